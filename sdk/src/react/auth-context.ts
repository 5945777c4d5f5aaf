"use client";
import { createContext, createElement, type ReactNode, useContext, useMemo } from "react";
import type { AccessToken } from "../client/realtime/index.ts";
import type { RequestOptions } from "../client/request-options.ts";
import { useStableFunction } from "./stable-function.ts";

/** Where hooks ask, and with what. A hook's own options go before these. */
export interface GantryAuth {
  /** A public token, or a function that gets one from your backend: it is called again when the last one has expired. */
  accessToken?: AccessToken | undefined;
  /** The platform's address. */
  baseURL?: string | undefined;
  requestOptions?: RequestOptions | undefined;
}

/** For `<TriggerAuthContext.Provider value={{ accessToken }}>`, as Trigger.dev writes it. `GantryProvider` does the same. */
export const TriggerAuthContext = createContext<GantryAuth | undefined>(undefined);

export interface GantryProviderProps extends GantryAuth {
  children?: ReactNode;
}

/** Gives all hooks below it a token and the platform's address. A token function may be written inline. */
export function GantryProvider({ children, accessToken, baseURL, requestOptions }: GantryProviderProps): ReactNode {
  const renew = useStableFunction(typeof accessToken === "function" ? accessToken : undefined);
  const token = renew ?? (accessToken as string | undefined);
  const value = useMemo(() => ({ accessToken: token, baseURL, requestOptions }), [token, baseURL, requestOptions]);
  return createElement(TriggerAuthContext.Provider, { value }, children);
}

export function useTriggerAuthContextOptional(): GantryAuth {
  return useContext(TriggerAuthContext) ?? NONE;
}

/** Error: no provider around the component. */
export function useTriggerAuthContext(): GantryAuth {
  const auth = useContext(TriggerAuthContext);
  if (auth === undefined)
    throw new Error("There is no <GantryProvider> (or TriggerAuthContext) around this component.");
  return auth;
}

const NONE: GantryAuth = {};

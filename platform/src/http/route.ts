import type { Request, Response } from "express";
import type { z } from "zod";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { Action, Resource } from "./access-policy.ts";
import type { Identity } from "./authenticate.ts";
import type { BodyLimit } from "./body.ts";

/**
 * One endpoint, as data: the app serves it, the OpenAPI document describes it, and neither can differ from the other.
 */
export interface Route<
  TParams extends z.ZodObject = z.ZodObject,
  TQuery extends z.ZodType = z.ZodType,
  TBody extends z.ZodType = z.ZodType,
> {
  method: "get" | "post" | "put" | "delete";
  /** Express's notation, `/api/v1/runs/:runId`. */
  path: string;
  tag: string;
  summary: string;
  access: Access;
  params?: TParams;
  query?: TQuery;
  /** JSON, unless the handler reads the request itself (`stream`). */
  body?:
    | { schema: TBody; limit: BodyLimit | ((identity: Identity) => Promise<BodyLimit>) }
    | { stream: string; schema?: z.ZodType };
  reply: z.ZodType | { media: string };
  /** 200 where it is left out. */
  status?: number;
  /** Whether the audit log gets an entry; by default where the method may change something. */
  audit?: boolean;
  handle(request: RouteRequest<z.output<TParams>, z.output<TQuery>, z.output<TBody>>): Promise<unknown> | unknown;
}

/**
 * `none`: no credential (health, signed URLs, which check their own signature). `environment` and the rest: an action on a
 * kind of thing, whose id may be a path's parameter. `late`: the handler must call `allow` once it has read what the
 * thing is; answering without is an error. `browser`: the dashboard itself, with its cookie or on the way to one; what other
 * sites make a browser send is refused, and the handler asks `edge.browser` who it is.
 */
export type Access =
  | { by: "none" }
  | { by: "identity" }
  | { by: "browser" }
  | { by: "policy"; action: Action; kind: Resource["kind"]; idFrom?: string }
  | { by: "late"; action: Action };

export interface RouteRequest<TParams, TQuery, TBody> {
  req: Request;
  res: Response;
  params: TParams;
  query: TQuery;
  body: TBody;
  identity: Identity;
  /** The request's environment. Errors: BAD_REQUEST where a personal token named none. */
  environment: EnvironmentRef;
  /** Errors: FORBIDDEN. */
  allow(action: Action, resources: readonly Resource[]): void;
}

/** Keeps a route's types together while it stands in a list of others. */
export function route<TParams extends z.ZodObject, TQuery extends z.ZodType, TBody extends z.ZodType>(
  definition: Route<TParams, TQuery, TBody>,
): Route {
  return definition as unknown as Route;
}

/** Where a handler has answered by itself. */
export const ANSWERED = Symbol("answered");

export const SMALL_BODY: BodyLimit = { bytes: 1024 * 1024, name: "requestBytes" };

import { variablesApi } from "@gantry/sdk";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { POLL } from "../../queries/polling.ts";
import { useAction } from "../../queries/use-action.ts";
import { useEnvironment } from "../../session/session-provider.tsx";

function useVariablesApi() {
  const { api, project, environment, key } = useEnvironment();
  return useMemo(
    () => ({ variables: variablesApi(api, { project, environment }), listKey: key("variables") }),
    [api, project, environment, key],
  );
}

export function useVariables() {
  const { variables, listKey } = useVariablesApi();
  return useQuery({ queryKey: listKey, queryFn: () => variables.list(), refetchInterval: POLL.slow });
}

export interface WrittenVariable {
  name: string;
  value: string;
  isSecret: boolean;
}

/** `isNew`: it is an error where one of its name is there. */
export function useSaveVariable() {
  const { variables, listKey } = useVariablesApi();
  return useAction({
    run: ({ isNew, variable }: { isNew: boolean; variable: WrittenVariable }) =>
      isNew
        ? variables.create(variable)
        : variables.update(variable.name, { value: variable.value, isSecret: variable.isSecret }),
    done: (_nothing, { variable }) => `${variable.name} is set; workers that start from now on have it`,
    stale: [listKey],
  });
}

export function useDeleteVariable() {
  const { variables, listKey } = useVariablesApi();
  return useAction({
    run: (name: string) => variables.del(name),
    done: (_nothing, name) => `${name} is removed`,
    stale: [listKey],
  });
}

export function useImportVariables() {
  const { variables, listKey } = useVariablesApi();
  return useAction({
    // Left out where they are not to be secret: one that is secret already stays so.
    run: ({ isSecret, ...params }: { variables: Record<string, string>; isSecret: boolean }) =>
      variables.upload({ ...params, override: true, ...(isSecret ? { isSecret } : {}) }),
    done: (_nothing, params) => `${Object.keys(params.variables).length} variables are set`,
    stale: [listKey],
  });
}

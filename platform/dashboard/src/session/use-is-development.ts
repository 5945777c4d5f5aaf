import { useEnvironment, useSession } from "./session-provider.tsx";

/** Whether the environment in the address is one for development: some defaults differ there. */
export function useIsDevelopment(): boolean {
  const { project, environment } = useEnvironment();
  const { environments } = useSession();
  const here = environments.find((each) => each.project === project && each.environment === environment);
  return here?.type === "DEVELOPMENT";
}

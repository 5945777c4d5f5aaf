/** What the operating system tells every program through the environment; Gantry's own settings are in config.ts. */
export interface HostVariables {
  PATH?: string | undefined;
  SystemRoot?: string | undefined;
  TEMP?: string | undefined;
  TMP?: string | undefined;
  LOCALAPPDATA?: string | undefined;
}

export function hostVariables(): HostVariables {
  const { PATH, SystemRoot, TEMP, TMP, LOCALAPPDATA } = process.env;
  return { PATH, SystemRoot, TEMP, TMP, LOCALAPPDATA };
}

/** The folder that holds `helm` and `kubectl`. */
export function kubeTools(surroundings?: { env?: NodeJS.ProcessEnv; platform?: string; arch?: string }): string;

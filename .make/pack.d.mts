export const PACKAGES: string[];
export function packAll(target: string): Promise<{ name: string; path: string; files: string[] }[]>;

export function ensureDebianPackage(name: string, isThere: () => boolean | Promise<boolean>): Promise<void>;

/** How packages with native code fail where they were installed for another platform. */
const SYMPTOMS = [
  /invalid ELF header|wrong ELF class|not a mach-o file|incompatible architecture|is not a valid Win32 application/i,
  /Could not load the "sharp" module using the \S+ runtime/,
  /Cannot find (?:module|package) '?"?(@?[\w./-]+-(?:linux|darwin|win32|windows|linuxmusl)-?(?:x64|arm64)[\w-]*)/,
  /Cannot find native binding|Failed to load native binding/,
  /GLIBC_\S+' not found|Error loading shared library ld-linux/,
];

/**
 * What to do about an error of an import, where its cause is a node_modules that was installed for another machine;
 * undefined for every other error. `here` is this machine's platform, like `linux-x64`. Pure.
 */
export function foreignBinariesRemedy(message: string, here: string): string | undefined {
  if (!SYMPTOMS.some((symptom) => symptom.test(message))) return undefined;
  return (
    `A package in node_modules has native code for another platform than this machine's (${here}). Install on this ` +
    "machine (`npm ci`); a deploy installs what the image needs by itself, so node_modules need not fit the image."
  );
}

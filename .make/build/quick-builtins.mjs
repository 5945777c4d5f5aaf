import { builtinModules } from "node:module";

/**
 * Node's own modules in a program that is started for every run: fetched by `process.getBuiltinModule`.
 *
 * An `import` of one reads each of its exports, also those that load something large when they are read: `import "node:http"`
 * loads a WebSocket client, and takes 30 ms where this takes 4. It also gives CommonJS packages what they `require`.
 */
export const quickBuiltins = {
  name: "quick-builtins",
  setup(build) {
    const filter = new RegExp(`^(node:)?(${builtinModules.join("|")})$`);
    build.onResolve({ filter }, ({ path, kind }) => {
      // It would be a module with a default export alone.
      if (kind === "dynamic-import") return { errors: [{ text: `take ${path} by process.getBuiltinModule` }] };
      const name = path.replace(/^node:/, "");
      return { path: name, namespace: `builtin-${formOf(name, kind)}`, sideEffects: false };
    });
    for (const [form, contents] of Object.entries(FORMS)) {
      build.onLoad({ filter: /.*/, namespace: `builtin-${form}` }, ({ path }) => ({ contents: contents(path) }));
    }
  },
};

/** What packages require as a whole and seldom use. TLS alone takes 25 ms. */
const LAZY = ["https", "tls", "zlib"];

function formOf(name, kind) {
  if (kind === "import-statement") return "named";
  if (kind === "dynamic-import") return "cheap";
  return kind === "require-call" && LAZY.includes(name) ? "lazy" : "whole";
}

const load = (name) => `process.getBuiltinModule(${JSON.stringify(`node:${name}`)})`;
/** What is behind a getter is loaded when it is read. */
const isCheap = (name) => (each) =>
  "value" in Object.getOwnPropertyDescriptor(process.getBuiltinModule(`node:${name}`), each);
const isName = (name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== "default";

const FORMS = {
  /** Only the names that are imported are read: the bundler drops the others. */
  named: (name) =>
    [
      `const module = /* @__PURE__ */ ${load(name)};`,
      "export default module;",
      ...Object.keys(process.getBuiltinModule(`node:${name}`))
        .filter(isName)
        .map((each) => `const _${each} = /* @__PURE__ */ (() => module.${each})(); export { _${each} as ${each} };`),
    ].join("\n"),
  /** Imported when it is needed: all names that cost nothing. As CommonJS a split bundle would have the default alone. */
  cheap: (name) =>
    [
      `const module = ${load(name)};`,
      "export default module;",
      ...Object.keys(process.getBuiltinModule(`node:${name}`))
        .filter(isName)
        .filter(isCheap(name))
        .map((each) => `const _${each} = module.${each}; export { _${each} as ${each} };`),
    ].join("\n"),
  whole: (name) => `module.exports = ${load(name)};`,
  lazy: (name) => `module.exports = new Proxy({}, { get: (_, name) => ${load(name)}[name] });`,
};

import { builtinModules } from "node:module";

/** Loading one of these costs more than all that a runner does before its first run: 25 ms for TLS. Few need it. */
const LAZY = ["https", "tls", "zlib"];

/** CommonJS packages in an ES module: what they `require` of Node is fetched without a `require`, the costly part when it is used. */
export const requiredBuiltins = {
  name: "required-builtins",
  setup(build) {
    const filter = new RegExp(`^(node:)?(${builtinModules.join("|")})$`);
    build.onResolve({ filter }, ({ path, kind }) =>
      kind === "require-call" ? { path: path.replace(/^node:/, ""), namespace: "builtin" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({ contents: moduleOf(path) }));
  },
};

function moduleOf(name) {
  const load = `process.getBuiltinModule(${JSON.stringify(name)})`;
  if (!LAZY.includes(name)) return `module.exports = ${load};`;
  return `module.exports = new Proxy({}, { get: (_, name) => ${load}[name] });`;
}

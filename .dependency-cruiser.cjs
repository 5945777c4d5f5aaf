// The import law (ARCHITECTURE.md): contract ← capabilities ← {http, realtime, loops, adapters} ← main;
// contract ← client ← {react, cli}; contract, task ← worker-image; client ← e2e.
// Tests, and what plays a part of the system for them, may reach further.
const TESTS = "\\.test(-d)?\\.tsx?$|/test/|/fixtures/|^e2e/(faults|durability|browser)/support/";
const CAPABILITIES =
  "^platform/src/(runs|queues|journal|waitpoints|streams|schedules|deployments|projects|accounts|insights|cluster|secrets)/";
const EDGES = "^platform/src/(http|realtime|loops|adapters)/";
const ROOT_FILES = "^platform/src/(main|platform|engine|config)\\.ts$";

/** One rule: from these files no import may lead to those, but to the exceptions. */
function law(name, comment, from, to, except) {
  const toExcept = except ? { pathNot: except } : {};
  return { name, comment, severity: "error", from: { path: from, pathNot: TESTS }, to: { path: to, ...toExcept } };
}

module.exports = {
  forbidden: [
    law(
      "contract-stands-alone",
      "The contract imports only itself.",
      "^sdk/src/contract/",
      "^(sdk|platform|worker-image)/",
      "^sdk/src/contract/",
    ),
    law(
      "sdk-knows-no-platform",
      "Nothing published to users imports the platform or the worker.",
      "^sdk/",
      "^(platform|worker-image|e2e|bench)/",
    ),
    law(
      "client-below-cli",
      "The client knows neither the CLI, nor tests, nor how tasks run.",
      "^sdk/src/client/",
      "^sdk/src/(cli|react|testing|task)/",
    ),
    law(
      "task-below-cli",
      "Task code is bundled into users' bundles: no CLI, no tests in it.",
      "^sdk/src/task/",
      "^sdk/src/(cli|react|testing)/",
    ),
    law(
      "react-is-thin",
      "Hooks stand on the client, and on what has no framework.",
      "^sdk/src/react/",
      "^sdk/src/(cli|task|testing|build)/",
    ),
    law(
      "build-stands-alone",
      "Build extensions run in the CLI, but are the user's: they know interfaces only.",
      "^sdk/src/build/",
      "^sdk/src/(client|task|cli|react|testing)/",
    ),
    law(
      "cli-is-a-client",
      "The CLI uses the client, and describes tasks; it runs none.",
      "^sdk/src/cli/",
      "^sdk/src/(react|testing)/",
    ),
    law(
      "capabilities-know-no-edge",
      "Capabilities are told what they need; they know no technology.",
      CAPABILITIES,
      `${EDGES}|${ROOT_FILES}`,
    ),
    law(
      "capabilities-do-no-io",
      "Files, sockets, processes and databases are adapters' work.",
      CAPABILITIES,
      "^(node:)?(fs|net|http|https|http2|tls|dgram|child_process|worker_threads|cluster|dns)(/|$)|node_modules/(pg|ws|express|@prisma)/",
    ),
    law(
      "edges-know-no-adapter",
      "The edges and loops use ports; adapters meet only in main.",
      "^platform/src/(http|realtime|loops)/",
      "^platform/src/adapters/",
    ),
    law(
      "adapters-know-no-edge",
      "Adapters know ports, not edges or loops.",
      "^platform/src/adapters/",
      "^platform/src/(http|realtime|loops)/",
    ),
    {
      name: "adapters-meet-in-main",
      comment: "One adapter never imports another.",
      severity: "error",
      from: { path: "^platform/src/adapters/([^/]+)/", pathNot: TESTS },
      to: { path: "^platform/src/adapters/", pathNot: "^platform/src/adapters/$1/" },
    },
    law(
      "nobody-imports-main",
      "What is wired in main is handed over, not fetched; settings too.",
      "^platform/src/(?!(main|platform|engine|executors|image-services|accounts-wiring|operator-commands|operator-users|replicas|bootstrap-secrets)\\.ts)",
      ROOT_FILES,
    ),
    law(
      "platform-uses-the-contract",
      "Of the SDK the platform imports the contract only.",
      "^platform/src/",
      "^sdk/src/",
      "^sdk/src/contract/",
    ),
    law(
      "react-stands-on-the-client",
      "The hooks are thin: they know the client and the contract.",
      "^sdk/src/react/",
      "^sdk/src/",
      "^sdk/src/(contract|client|react)/",
    ),
    law(
      "dashboard-is-a-client",
      "The dashboard uses what users have: the client, the hooks and the contract.",
      "^platform/dashboard/",
      "^(platform/(src|dist)|worker-image|e2e|bench)/|^sdk/src/(cli|task|testing|build)/",
    ),
    law(
      "worker-uses-contract-and-task",
      "The worker knows the contract and how tasks run.",
      "^worker-image/src/",
      "^(platform|sdk)/",
      "^sdk/src/(contract|task)/",
    ),
    law(
      "outside-is-outside",
      "End-to-end tests and examples use what users have.",
      "^(e2e|examples)/",
      "^(platform|worker-image)/src/|^sdk/src/",
      "^sdk/src/(index|contract/index|testing/index|build/index|react/index)\\.ts$",
    ),
    {
      name: "pure-files-are-pure",
      comment: "What ends in -state, -policy, -manifest or -ref reads no clock, randomness, file or environment.",
      severity: "error",
      from: { path: "-(state|policy|manifest|ref)\\.ts$" },
      to: { path: "^(node:)?(fs|os|net|http|child_process|process|timers|crypto|perf_hooks)(/|$)|/clock\\.ts$" },
    },
    {
      name: "no-cycles",
      comment: "Two files that need each other are one, or hide a third.",
      severity: "error",
      from: { pathNot: "/prisma-client/" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
  ],
  options: {
    // TypeScript 7 has no programming interface yet; this parser sees type imports too.
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "/dist/|/prisma-client/(internal|models)/" },
    enhancedResolveOptions: {
      extensions: [".ts", ".tsx", ".mjs", ".js", ".cjs", ".json"],
      conditionNames: ["gantry-source", "import", "node", "default"],
      exportsFields: ["exports"],
    },
  },
};

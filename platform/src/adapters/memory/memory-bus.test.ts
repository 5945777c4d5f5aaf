import { describeBus } from "../../../test/conformance/bus.ts";
import { MemoryBusHub } from "./memory-bus.ts";

describeBus("one process", async () => {
  const hubs = { ours: new MemoryBusHub(), theirs: new MemoryBusHub() };
  return { join: (installation) => hubs[installation].join() };
});

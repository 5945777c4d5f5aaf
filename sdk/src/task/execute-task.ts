import { decodeValue, encodeValue } from "../client/packet.ts";
import { toWireError } from "../contract/index.ts";
import { catalogue } from "./catalogue.ts";
import { makeContext } from "./context.ts";
import type { ExecuteTask } from "./host.ts";
import { withScope } from "./run-scope.ts";

export const executeTask: ExecuteTask = async (grant, host, signal) => {
  try {
    const task = catalogue().tasks.get(grant.run.taskId);
    if (!task) throw new Error(`There is no task "${grant.run.taskId}".`);
    const ctx = makeContext(grant, task, new Date());
    const decoded = decodeValue(grant.run.payload, grant.run.payloadType);
    const payload = task.parsePayload ? await task.parsePayload(decoded) : decoded;
    const scope = { grant, host, ctx, signal, isSignalTaken: false, metadata: { current: () => ({}) }, locals: new Map(), startedAt: Date.now() };
    const output = await withScope(scope, () => task.options.run(payload, { ctx, signal }));
    const { data, dataType } = encodeValue(output);
    return { kind: "completed", ...(data === undefined ? {} : { output: data }), outputType: dataType };
  } catch (error) {
    return { kind: "failed", error: toWireError(error), retry: { by: "policy" } };
  }
};

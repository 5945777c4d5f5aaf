import { run } from "./shell.ts";

/** Where the cluster's nodes reach this machine: the address of the one they all run on, in the local cluster. */
export async function nodeAddress(): Promise<string> {
  const { items } = JSON.parse(await run("kubectl", ["get", "nodes", "--output", "json"])) as {
    items: { status: { addresses: { type: string; address: string }[] } }[];
  };
  return items[0]?.status.addresses.find(({ type }) => type === "InternalIP")?.address as string;
}

import type { Command } from "commander";
import type { ClusterItem } from "../../client/insight-replies.ts";
import { insightsApi } from "../../client/insights.ts";
import type { WhoamiReply } from "../../client/replies.ts";
import { checkpointFinding, type Finding, nodesTable } from "../checkpoint-report.ts";
import { EXIT, type ExitCode } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { addApiCommand } from "../define-command.ts";

export function doctorCommand(program: Command): void {
  addApiCommand(
    program,
    "doctor",
    "Say whether runs can start, and on which nodes their processes can be stored",
    doctor,
  ).addHelpText("after", "\nExit code 1 where something keeps runs from starting, or waits from being stored.");
}

async function doctor(context: CommandContext, _flags: CommonOptions): Promise<ExitCode> {
  const api = context.api();
  const [who, cluster] = await Promise.all([api.whoami(), insightsApi(api).retrieveCluster()]);
  const { baseUrl, source } = context.connection();
  const findings = [platformFinding(who, baseUrl), accessFinding(who, source), runsFinding(cluster)];
  findings.push(checkpointFinding(cluster));
  if (context.json) context.printJson({ findings, checkpoints: cluster.checkpoints ?? null });
  else show(findings, cluster, context);
  return findings.some(({ state }) => state === "no") ? EXIT.failed : EXIT.ok;
}

function platformFinding({ platformVersion }: WhoamiReply, baseUrl: string): Finding {
  return { name: "platform", state: "ok", text: `${baseUrl}, version ${platformVersion}` };
}

function accessFinding({ credential, project, environment }: WhoamiReply, source: string): Finding {
  const place = [project?.ref, environment?.slug].filter((part) => part !== undefined).join("/");
  return {
    name: "access",
    state: "ok",
    text: `${credential.kind} from ${source}${place === "" ? "" : ` to ${place}`}`,
  };
}

function runsFinding({ executor, problem, workers }: ClusterItem): Finding {
  const name = "runs";
  if (problem !== null) return { name, state: "no", text: `cannot start: ${problem}` };
  if (executor === "none") return { name, state: "no", text: "cannot start: this platform starts no workers" };
  const what = executor === "kubernetes" ? ["Job", "Jobs"] : ["worker process", "worker processes"];
  return { name, state: "ok", text: `can start; ${workers.length} ${workers.length === 1 ? what[0] : what[1]} now` };
}

function show(findings: Finding[], cluster: ClusterItem, { terminal }: CommandContext): void {
  const { green, red, dim } = terminal.colors;
  const marks = { ok: green("ok"), no: red("no"), off: dim("--") };
  const width = Math.max(...findings.map(({ name }) => name.length));
  for (const { name, state, text } of findings) terminal.out(`${marks[state]}  ${name.padEnd(width)}  ${text}`);
  const nodes = nodesTable(cluster, terminal);
  if (nodes !== undefined) terminal.out(`\n${nodes}`);
}

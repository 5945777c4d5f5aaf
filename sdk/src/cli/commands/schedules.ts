import type { Command } from "commander";
import { type ScheduleItem, scheduleApi } from "../../client/schedules.ts";
import { CATCH_UPS, type CatchUp, OVERLAPS, type Overlap } from "../../contract/schedule-policy.ts";
import { CliError } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { addApiCommand, number } from "../define-command.ts";
import { age, table } from "../terminal.ts";

interface CreateFlags extends CommonOptions {
  timezone?: string;
  key?: string;
  externalId?: string;
  overlap?: string;
  catchUp?: string;
  within?: string;
  jitter?: string;
}

interface PreviewFlags extends CommonOptions {
  timezone?: string;
  count?: number;
}

export function schedulesCommand(program: Command): void {
  const schedules = program.command("schedules").description("List, make, pause and preview schedules");
  addApiCommand(schedules, "list", "List schedules, those of the code and those that were made", list);
  addApiCommand(schedules, "get <schedule>", "Show a schedule and its next due times", (context, _flags, id) =>
    shown(context, (api) => api.retrieve(id)),
  );
  addCreate(schedules);
  addApiCommand(schedules, "pause <schedule>", "Start nothing until it is resumed", (context, _flags, id) =>
    shown(context, (api) => api.deactivate(id)),
  );
  addApiCommand(
    schedules,
    "resume <schedule>",
    "Go on with a paused schedule; its catch-up policy says what follows at once",
    (context, _flags, id) => shown(context, (api) => api.activate(id)),
  );
  addApiCommand(schedules, "run <schedule>", "Start a run of a schedule now", run);
  addApiCommand(schedules, "delete <schedule>", "Delete a schedule that was made; its runs stay", remove);
  addApiCommand<PreviewFlags>(schedules, "preview <pattern>", "Show when a pattern would be due", preview)
    .option("--timezone <name>", "an IANA time zone (default: UTC)")
    .option("--count <number>", "how many due times (default: 5)", number);
}

function addCreate(schedules: Command): void {
  addApiCommand<CreateFlags>(
    schedules,
    "create <task> <pattern>",
    "Make a schedule, or change the one of a key",
    create,
  )
    .option("--timezone <name>", "an IANA time zone (default: UTC)")
    .option("--key <key>", "its deduplication key (default: the task's id)")
    .option("--external-id <id>", "your own id, handed to the runs")
    .option("--overlap <policy>", `where a run still goes on: ${OVERLAPS.join(", ")}`)
    .option("--catch-up <policy>", `what is made up for after downtime: ${CATCH_UPS.join(", ")}`)
    .option("--within <duration>", 'how long that is worth it, e.g. "6h" (default: 24h)')
    .option("--jitter <window>", 'spread starts over "15m" or "30%" of the interval')
    .addHelpText("after", '\nExample: gantry schedules create daily-report "0 5 * * *" --timezone Europe/Berlin');
}

type Api = ReturnType<typeof scheduleApi>;
const apiOf = (context: CommandContext): Api => scheduleApi(context.api());

async function list(context: CommandContext): Promise<void> {
  const schedules: ScheduleItem[] = [];
  for await (const schedule of apiOf(context).list({ perPage: 100 })) schedules.push(schedule);
  const { terminal } = context;
  if (context.json) return context.printJson(schedules);
  if (schedules.length === 0)
    return terminal.err(
      'No schedules. Declare one with schedules.task(), or: gantry schedules create <task> "0 5 * * *"',
    );
  const rows = schedules.map((schedule) => [
    schedule.id,
    schedule.task,
    schedule.generator.expression,
    schedule.timezone,
    schedule.active ? age(schedule.nextRun, terminal.now()) : terminal.colors.yellow("paused"),
    age(schedule.lastRun, terminal.now()),
    schedule.type === "DECLARATIVE" ? "code" : (schedule.deduplicationKey ?? ""),
  ]);
  terminal.out(table(["SCHEDULE", "TASK", "PATTERN", "TIME ZONE", "NEXT", "LAST", "MADE BY"], rows, terminal.colors));
}

async function create(context: CommandContext, flags: CreateFlags, ...received: string[]): Promise<void> {
  const [task = "", cron = ""] = received;
  const { timezone, externalId, jitter, within } = flags;
  const policy = flags.catchUp as CatchUp | undefined;
  if (within !== undefined && policy === undefined)
    throw new CliError("BAD_ARGUMENT", "--within says how long --catch-up is worth it.", {
      remedy: "Give --catch-up last or --catch-up all beside it.",
    });
  await shown(context, (api) =>
    api.create({
      task,
      cron,
      deduplicationKey: flags.key ?? task,
      timezone,
      externalId,
      jitter,
      overlap: flags.overlap as Overlap | undefined,
      ...(policy === undefined ? {} : { catchUp: { policy, within } }),
    }),
  );
}

async function shown(context: CommandContext, ask: (api: Api) => Promise<ScheduleItem>): Promise<void> {
  const schedule = await ask(apiOf(context));
  if (context.json) context.printJson(schedule);
  else context.terminal.out(scheduleText(schedule, context));
}

function scheduleText(schedule: ScheduleItem, { terminal }: CommandContext): string {
  const { catchUp, jitter, externalId, deduplicationKey } = schedule;
  const lines: [string, string | null][] = [
    ["schedule", schedule.id],
    ["task", schedule.task],
    ["pattern", `${schedule.generator.expression}  (${schedule.timezone})`],
    ["state", schedule.active ? "active" : terminal.colors.yellow("paused")],
    ["overlap", schedule.overlap],
    ["catch-up", catchUp.policy === "none" ? "none" : `${catchUp.policy}, within ${catchUp.within}`],
    ["jitter", jitter],
    ["external id", externalId],
    ["made by", schedule.type === "DECLARATIVE" ? "the task's code" : `the API, key ${deduplicationKey ?? "none"}`],
    ["last", schedule.lastRun === null ? null : `${schedule.lastRun.toISOString()}`],
  ];
  const known = lines.filter((line): line is [string, string] => line[1] !== null);
  const fields = known.map(([name, value]) => `${terminal.colors.dim(name.padEnd(12))}${value}`);
  return [...fields, ...upcomingLines(schedule.upcoming, schedule.timezone, terminal.colors)].join("\n");
}

function upcomingLines(upcoming: Date[], timezone: string, colors: CommandContext["terminal"]["colors"]): string[] {
  return upcoming.map((at, index) => {
    const local = at.toLocaleString("sv-SE", { timeZone: timezone, timeZoneName: "shortOffset" });
    return `${colors.dim((index === 0 ? "next" : "").padEnd(12))}${at.toISOString()}  ${colors.dim(local)}`;
  });
}

async function run(context: CommandContext, _flags: CommonOptions, ...[id = ""]: string[]): Promise<void> {
  const started = await apiOf(context).run(id);
  if (context.json) context.printJson(started);
  else context.terminal.out(started.id);
}

async function remove(context: CommandContext, _flags: CommonOptions, ...[id = ""]: string[]): Promise<void> {
  const gone = await apiOf(context).del(id);
  if (context.json) context.printJson(gone);
  else context.terminal.out(`${gone.id} is deleted; its runs stay.`);
}

async function preview(context: CommandContext, flags: PreviewFlags, ...[cron = ""]: string[]): Promise<void> {
  const { timezone, count } = flags;
  const found = await apiOf(context).preview({ cron, timezone, count });
  if (context.json) context.printJson(found);
  else context.terminal.out(upcomingLines(found.upcoming, found.timezone, context.terminal.colors).join("\n"));
}

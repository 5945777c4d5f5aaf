import type { LimitUsage } from "@gantry/sdk";
import { useMemo, useState } from "react";
import { QueryView } from "../../queries/query-view.tsx";
import { useDenial, useEnvironment } from "../../session/session-provider.tsx";
import { useIsDevelopment } from "../../session/use-is-development.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button, IconButton } from "../../ui/button.tsx";
import { Card } from "../../ui/card.tsx";
import { ConfirmDialog } from "../../ui/dialog.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Meter } from "../../ui/meter.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Page, Stack } from "../../ui/page.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { LimitDialog } from "./limit-dialog.tsx";
import { formatLimit, LIMIT_GROUPS, type LimitFact, type LimitName, usageLevel } from "./limit-facts.ts";
import classes from "./limits.module.css";
import { usePauseEnvironment, useUsage } from "./use-limits.ts";

interface Limit {
  limit: LimitUsage;
  fact: LimitFact;
}

/** Every limit of the environment: how much of it is used, and another value for it. Pause of the whole environment. */
export default function LimitsPage() {
  const { environment } = useEnvironment();
  const query = useUsage();
  const denial = useDenial("admin");
  const [changing, setChanging] = useState<Limit>();
  const [isPausing, setPausing] = useState(false);
  const pause = usePauseEnvironment();
  const isPaused = query.data?.isPaused === true;
  return (
    <Page
      title="Limits"
      description={`What ${environment} may use. A limit that refuses something names itself in the error; at 80 % it is marked here.`}
      actions={
        <Button
          icon={isPaused ? "play" : "pause"}
          isBusy={pause.isBusy}
          disabledReason={denial}
          onClick={() => (isPaused ? pause.start(false) : setPausing(true))}
        >
          {isPaused ? "Resume the environment" : "Pause the environment"}
        </Button>
      }
    >
      <QueryView query={query} failed="Limits could not be loaded">
        {({ limits }) => (
          <Stack>
            {isPaused && (
              <Notice tone="warning" icon="pause">
                The environment is paused: runs are taken and wait; nothing new starts.
              </Notice>
            )}
            <Warnings limits={limits} />
            {LIMIT_GROUPS.map((group) => (
              <Group key={group.title} group={group} limits={limits} denial={denial} onChange={setChanging} />
            ))}
          </Stack>
        )}
      </QueryView>
      {changing && <LimitDialog {...changing} onClose={() => setChanging(undefined)} />}
      <ConfirmDialog
        isOpen={isPausing}
        onClose={() => setPausing(false)}
        title={`Pause all of ${environment}?`}
        confirmLabel="Pause it"
        isDanger
        onConfirm={() => pause.perform(true)}
      >
        No queued run starts, and no schedule is due, until it is resumed. What runs goes on; triggers are still taken.
      </ConfirmDialog>
    </Page>
  );
}

const isNear = ({ used, value }: LimitUsage) => used !== null && usageLevel(used, value) !== "ok";

function Warnings({ limits }: { limits: readonly LimitUsage[] }) {
  const near = limits.filter(isNear);
  if (near.length === 0) return null;
  const names = near.map(({ name }) => factOf(name)?.label ?? name);
  return (
    <Notice tone="warning" icon="alert">
      More than 80 % used: {names.join(", ")}.
    </Notice>
  );
}

function factOf(name: string): LimitFact | undefined {
  return LIMIT_GROUPS.map(({ limits }) => limits[name as LimitName]).find((fact) => fact !== undefined);
}

interface GroupProps {
  group: (typeof LIMIT_GROUPS)[number];
  limits: readonly LimitUsage[];
  denial: string | undefined;
  onChange: (limit: Limit) => void;
}

function Group({ group, limits, denial, onChange }: GroupProps) {
  const columns = useMemo(() => columnsOf(denial, onChange), [denial, onChange]);
  // Of the two limits of concurrency, only one concerns this kind of environment.
  const elsewhere = useIsDevelopment() ? "environmentConcurrency" : "devConcurrency";
  const rows = Object.entries(group.limits).flatMap(([name, fact]) => {
    const limit = limits.find((each) => each.name === name && name !== elsewhere);
    return limit === undefined || fact === undefined ? [] : [{ limit, fact }];
  });
  if (rows.length === 0) return null;
  return (
    <Card title={group.title} isFlush>
      <Table
        hasCards
        label={`Limits: ${group.title}`}
        columns={columns}
        rows={rows}
        rowKey={({ limit }) => limit.name}
      />
    </Card>
  );
}

function columnsOf(denial: string | undefined, onChange: (limit: Limit) => void): Column<Limit>[] {
  return [
    {
      id: "limit",
      header: "Limit",
      cell: ({ limit, fact }) => (
        <div className={classes.limit}>
          <span title={limit.name}>{fact.label}</span>
          <span className="muted">{fact.meaning}</span>
        </div>
      ),
    },
    { id: "usage", header: "Used", width: "230px", cell: (limit) => <UsageCell {...limit} /> },
    {
      id: "value",
      header: "Limit",
      align: "end",
      width: "190px",
      cell: ({ limit, fact }) => (
        <span className={classes.value}>
          {limit.isChanged && (
            <Badge tone="info" title={`Default: ${formatLimit(limit.default, fact.unit)}`}>
              changed
            </Badge>
          )}
          <b>{limit.value < 0 ? "as many as run" : formatLimit(limit.value, fact.unit)}</b>
          <IconButton
            size="sm"
            icon="edit"
            label={`Change ${fact.label}`}
            disabledReason={denial}
            onClick={() => onChange({ limit, fact })}
          />
        </span>
      ),
    },
  ];
}

function UsageCell({ limit: { used, value, isAtLeast }, fact }: Limit) {
  if (used === null) return <span className="muted">–</span>;
  const level = usageLevel(used, value);
  const words = `${isAtLeast ? "at least " : ""}${formatNumber(used)}`;
  return (
    <div className={classes.usage}>
      <span>
        {words}
        {level === "near" && (
          <Badge tone="warning" icon="alert">
            over 80 %
          </Badge>
        )}
        {level === "full" && (
          <Badge tone="danger" icon="alert">
            used up
          </Badge>
        )}
      </span>
      {value > 0 && (
        <Meter
          label={`${fact.label}: ${words} of ${formatLimit(value, fact.unit)}`}
          total={value}
          parts={[
            { name: "used", value: used, tone: level === "ok" ? "accent" : level === "near" ? "warning" : "danger" },
          ]}
        />
      )}
    </div>
  );
}

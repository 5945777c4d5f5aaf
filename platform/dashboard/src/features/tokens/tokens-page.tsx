import type { TokenItem } from "@gantry/sdk";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { AgePager } from "../../layout/pager.tsx";
import { PlaceLink, RunLink } from "../../layout/place-link.tsx";
import { QueryView } from "../../queries/query-view.tsx";
import { Chip } from "../../ui/badge.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { Input, Select } from "../../ui/field.tsx";
import { Page, Stack } from "../../ui/page.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { asTokenStatus, TOKEN_LOOK, TOKEN_STATUSES } from "./token-facts.ts";
import { TokenDue, TokenStatusBadge } from "./token-status.tsx";
import classes from "./tokens.module.css";
import { useTokens } from "./use-tokens.ts";

type Search = { status?: string; tag?: string; after?: string; before?: string };

/** What runs wait for until somebody outside completes it. */
export default function TokensPage() {
  const search = useSearch({ strict: false }) as Search;
  const filters = { status: search.status, tag: search.tag };
  const filter = { ...search, status: asTokenStatus(search.status) };
  const query = useTokens(filter);
  return (
    <Page
      title="Waitpoint tokens"
      description="A run waits for a token until a person or a webhook completes it, and holds no slot meanwhile."
    >
      <Stack gap={12}>
        <Filters search={search} />
        <QueryView query={query} failed="Tokens could not be loaded">
          {({ tokens, hasNext, hasPrevious }) => (
            <Stack gap={12}>
              <Table
                hasCards
                label="Waitpoint tokens"
                columns={COLUMNS}
                rows={tokens}
                rowKey={({ id }) => id}
                empty={<NoTokens isFiltered={search.status !== undefined || search.tag !== undefined} />}
              />
              <AgePager
                newer={hasPrevious && tokens[0] ? { ...filters, before: tokens[0].id } : undefined}
                older={hasNext && tokens.length > 0 ? { ...filters, after: tokens.at(-1)?.id } : undefined}
              />
            </Stack>
          )}
        </QueryView>
      </Stack>
    </Page>
  );
}

const COLUMNS: Column<TokenItem>[] = [
  {
    id: "token",
    header: "Token",
    cell: ({ id, tags }) => (
      <div className={classes.token}>
        <PlaceLink page="tokens/$tokenId" params={{ tokenId: id }}>
          <span className="mono">{id}</span>
        </PlaceLink>
        {tags.length > 0 && (
          <span className={classes.tags}>
            {tags.slice(0, 3).map((tag) => (
              <Chip key={tag} title={tag}>
                {tag}
              </Chip>
            ))}
            {tags.length > 3 && <span className="muted">and {tags.length - 3} more</span>}
          </span>
        )}
      </div>
    ),
  },
  { id: "status", header: "Status", width: "120px", cell: ({ status }) => <TokenStatusBadge status={status} /> },
  {
    id: "who",
    header: "Who waits",
    cell: ({ waitingRuns = [] }) => <Waiting runs={waitingRuns} />,
  },
  {
    id: "due",
    header: "Times out, ended",
    hideBelow: 640,
    width: "140px",
    cell: (token) => <TokenDue token={token} />,
  },
  {
    id: "created",
    header: "Made",
    hideBelow: 900,
    width: "110px",
    cell: ({ createdAt }) => <RelativeTime at={createdAt} />,
  },
];

function Waiting({ runs }: { runs: NonNullable<TokenItem["waitingRuns"]> }) {
  const [first] = runs;
  if (first === undefined) return <span className="muted">nobody</span>;
  return (
    <span className={classes.who}>
      <span className="truncate">{first.taskIdentifier}</span>
      <RunLink runId={first.id} isShort />
      {runs.length > 1 && <span className="muted">and {runs.length - 1} more</span>}
    </span>
  );
}

const STATUS_OPTIONS = [
  { value: "", label: "All statuses" },
  ...TOKEN_STATUSES.map((value) => ({ value, label: TOKEN_LOOK[value].text })),
];

function Filters({ search }: { search: Search }) {
  const navigate = useNavigate();
  const change = (to: Partial<Search>) =>
    void navigate({ to: ".", search: { status: search.status, tag: search.tag, ...to } as never, replace: true });
  return (
    <div className={classes.filters}>
      <Select
        aria-label="Status"
        options={STATUS_OPTIONS}
        value={search.status ?? ""}
        onChange={(event) => change({ status: event.target.value })}
      />
      <Input
        icon="tag"
        type="search"
        aria-label="Tag"
        placeholder="Tag"
        defaultValue={search.tag ?? ""}
        onChange={(event) => change({ tag: event.target.value })}
      />
    </div>
  );
}

function NoTokens({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered)
    return (
      <EmptyState icon="search" title="No token fits">
        Choose another status or tag.
      </EmptyState>
    );
  return (
    <EmptyState
      icon="hourglass"
      title="No tokens yet"
      code={'const token = await wait.createToken({ timeout: "7d" });\nconst answer = await wait.forToken(token);'}
    >
      A task makes a token, gives it to a person or a webhook, and waits for it: for a minute or a year.
    </EmptyState>
  );
}

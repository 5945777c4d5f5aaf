import type { TokenItem } from "@gantry/sdk";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { PlaceLink, RunLink } from "../../layout/place-link.tsx";
import { QueryView } from "../../queries/query-view.tsx";
import { useDenial } from "../../session/session-provider.tsx";
import { Chip } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Card } from "../../ui/card.tsx";
import { CommandLine } from "../../ui/command-line.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { JsonView } from "../../ui/json-view.tsx";
import { KeyValueList } from "../../ui/key-value.tsx";
import { Page, Row, Stack } from "../../ui/page.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { AbsoluteTime, RelativeTime } from "../../ui/time.tsx";
import { CompleteDialog } from "./complete-dialog.tsx";
import { shownOutput } from "./token-facts.ts";
import { TokenStatusBadge } from "./token-status.tsx";
import classes from "./tokens.module.css";
import { useToken } from "./use-tokens.ts";

/** One token: who waits, until when, how it is completed, what it was completed with. */
export default function TokenPage() {
  const { tokenId = "" } = useParams({ strict: false }) as { tokenId?: string };
  const query = useToken(tokenId);
  const denial = useDenial("developer");
  const [isCompleting, setCompleting] = useState(false);
  const token = query.data;
  const whyNot = token?.status === "WAITING" ? denial : "It has ended.";
  return (
    <Page
      title="Token"
      heading={
        <>
          <span className="mono">{tokenId}</span>
          {token && <TokenStatusBadge status={token.status} />}
        </>
      }
      breadcrumbs={[
        <PlaceLink key="tokens" page="tokens" look="quiet">
          Waitpoint tokens
        </PlaceLink>,
      ]}
      actions={
        token?.status === "WAITING" && (
          <Button variant="primary" icon="check" disabledReason={whyNot} onClick={() => setCompleting(true)}>
            Complete…
          </Button>
        )
      }
    >
      <QueryView query={query} failed="The token could not be loaded" skeleton={<Skeleton height={260} />}>
        {(found) => (
          <Stack>
            <Facts token={found} />
            {found.status === "WAITING" ? (
              <HowTo token={found} />
            ) : (
              <Card title={found.outputIsError ? "It timed out" : "Completed with"}>
                {found.output === undefined ? (
                  <span className="muted">nothing</span>
                ) : (
                  <JsonView label="Output" value={shownOutput(found.output, found.outputType)} />
                )}
              </Card>
            )}
          </Stack>
        )}
      </QueryView>
      {isCompleting && (
        <CompleteDialog
          tokenId={tokenId}
          waiting={token?.waitingRuns?.length ?? 0}
          onClose={() => setCompleting(false)}
        />
      )}
    </Page>
  );
}

function Facts({ token }: { token: TokenItem }) {
  const { waitingRuns = [] } = token;
  return (
    <Card title="Facts">
      <KeyValueList
        items={[
          {
            key: "Who waits",
            value:
              waitingRuns.length === 0 ? (
                <span className="muted">nobody now</span>
              ) : (
                waitingRuns.map(({ id, taskIdentifier }) => (
                  <Row key={id}>
                    {taskIdentifier} <RunLink runId={id} />
                  </Row>
                ))
              ),
          },
          {
            key: token.status === "WAITING" ? "Times out" : "Ended",
            value: <When at={token.status === "WAITING" ? token.timeoutAt : token.completedAt} />,
          },
          { key: "Made", value: <When at={token.createdAt} /> },
          {
            key: "Tags",
            value: token.tags.length > 0 && (
              <Row>
                {token.tags.map((tag) => (
                  <Chip key={tag}>{tag}</Chip>
                ))}
              </Row>
            ),
          },
          {
            key: "Idempotency key",
            value: token.idempotencyKey && <span className="mono">{token.idempotencyKey}</span>,
          },
          {
            key: "Callback URL",
            value: (
              <span className={classes.url}>
                <code className="truncate">{token.url}</code>
                <CopyButton text={token.url} label="Copy the callback URL" />
              </span>
            ),
          },
        ]}
      />
    </Card>
  );
}

function When({ at }: { at: Date | undefined }) {
  if (at === undefined) return <span className="muted">never</span>;
  return (
    <span>
      <AbsoluteTime at={at} />{" "}
      <span className="muted">
        (<RelativeTime at={at} />)
      </span>
    </span>
  );
}

function HowTo({ token: { id, url } }: { token: TokenItem }) {
  return (
    <Card
      title="Complete it from elsewhere"
      hint="The callback URL needs no key: whoever has it may complete this token, once."
    >
      <Stack gap={10}>
        <CommandLine command={`npx gantry tokens complete ${id} '{"approved": true}'`} />
        <CommandLine command={`curl -X POST '${url}' -H 'content-type: application/json' -d '{"approved": true}'`} />
      </Stack>
    </Card>
  );
}

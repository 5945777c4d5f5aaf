import { useNavigate } from "@tanstack/react-router";
import { Button } from "../ui/button.tsx";
import { Row } from "../ui/page.tsx";

/** Filters of a page; what is undefined is left out of its address. */
type Search = Record<string, string | undefined>;

interface Step {
  label: string;
  /** Filters of the page it leads to, all of them; undefined where there is none. */
  search: Search | undefined;
  /** Why there is none. */
  otherwise: string;
}

/** The way to the pages beside this one of a list; nothing where it has one page. */
export function Pager({ back, on }: { back: Step; on: Step }) {
  if (back.search === undefined && on.search === undefined) return null;
  return (
    <Row>
      <StepButton icon="chevron-left" step={back} />
      <StepButton icon="chevron-right" step={on} />
    </Row>
  );
}

/** Of a list that is read from its newest entry on. */
export function AgePager({ newer, older, label = "Newer" }: AgePagerProps) {
  return (
    <Pager
      back={{ label, search: newer, otherwise: "These are the newest." }}
      on={{ label: "Older", search: older, otherwise: "These are the oldest." }}
    />
  );
}

interface AgePagerProps {
  newer: Search | undefined;
  older: Search | undefined;
  /** Of the way to newer entries. */
  label?: string;
}

/** Of a list whose pages have numbers, from 1. */
export function NumberPager({ page, hasNext }: { page: number; hasNext: boolean }) {
  const at = (number: number) => ({ page: String(number) });
  return (
    <Pager
      back={{ label: "Before", search: page === 1 ? undefined : at(page - 1), otherwise: "This is the first page." }}
      on={{ label: "Next", search: hasNext ? at(page + 1) : undefined, otherwise: "This is the last page." }}
    />
  );
}

function StepButton({
  icon,
  step: { label, search, otherwise },
}: {
  icon: "chevron-left" | "chevron-right";
  step: Step;
}) {
  const navigate = useNavigate();
  return (
    <Button
      size="sm"
      icon={icon}
      disabledReason={search === undefined ? otherwise : undefined}
      onClick={() => search && void navigate({ to: ".", search: search as never })}
    >
      {label}
    </Button>
  );
}

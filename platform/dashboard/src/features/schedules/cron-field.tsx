import { useClock } from "../../ui/clock.ts";
import { Field, Input } from "../../ui/field.tsx";
import { cronWords } from "./cron-words.ts";
import { NextTimes } from "./next-times.tsx";
import classes from "./schedules.module.css";

interface CronFieldProps {
  cron: string;
  timezone: string;
  problem: string | undefined;
  onChange: (cron: string) => void;
}

const EXAMPLES = ["*/15 * * * *", "0 * * * *", "0 8 * * MON-FRI", "0 0 1 * *", "0 0 * * 5L"];

/** A pattern that says in words what it means, and when it comes. */
export function CronField({ cron, timezone, problem, onChange }: CronFieldProps) {
  const minute = useClock((now) => Math.floor(now / 60_000));
  return (
    <div className={classes.cron}>
      <Field label="Pattern" hint="minute hour day month weekday; six fields begin with seconds" error={problem}>
        <Input isMono value={cron} onChange={(event) => onChange(event.target.value)} autoFocus />
      </Field>
      <div className={classes.examples}>
        {EXAMPLES.map((example) => (
          <button key={example} type="button" onClick={() => onChange(example)} title={cronWords(example)}>
            {example}
          </button>
        ))}
      </div>
      <output className={classes.explained}>
        {problem === undefined ? (
          <>
            <b data-testid="cron-words">{cronWords(cron) ?? cron}</b>
            <NextTimes cron={cron} timezone={timezone} from={minute * 60_000} />
          </>
        ) : (
          <span className="muted">What it means is said here, with its next five times.</span>
        )}
      </output>
    </div>
  );
}

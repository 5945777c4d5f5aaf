import { type ReactNode, useState } from "react";
import { CopyButton } from "./copy-button.tsx";
import { Icon } from "./icon.tsx";
import classes from "./json-view.module.css";

interface JsonViewProps {
  value: unknown;
  /** What it is: "Payload". */
  label: string;
  /** How deep it is open at first. Default 2. */
  openDepth?: number;
  /** Pixels; default 480. */
  maxHeight?: number;
}

/** Items of one array or object that are shown at once; the rest comes by a click. */
const STEP = 100;
const LONG_TEXT = 2_000;

/** Any JSON value as a tree that opens and closes. Everything in it is text. */
export function JsonView({ value, label, openDepth = 2, maxHeight = 480 }: JsonViewProps) {
  return (
    <div className={classes.box}>
      <div className={classes.copy}>
        <CopyButton text={toText(value)} label={`Copy: ${label}`} />
      </div>
      <section className={classes.tree} style={{ maxHeight }} tabIndex={0} aria-label={label}>
        <Node value={value} openDepth={openDepth} />
      </section>
    </div>
  );
}

function toText(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value, null, 2) ?? "undefined";
}

interface NodeProps {
  name?: string;
  value: unknown;
  openDepth: number;
}

function Node({ name, value, openDepth }: NodeProps) {
  if (typeof value === "object" && value !== null) return <Branch name={name} value={value} openDepth={openDepth} />;
  return (
    <div className={classes.leaf}>
      <Name name={name} />
      <Leaf value={value} />
    </div>
  );
}

function Name({ name }: { name: string | undefined }) {
  return name === undefined ? null : <span className={classes.name}>{name}: </span>;
}

function Branch({ name, value, openDepth }: { name: string | undefined; value: object; openDepth: number }) {
  const [isOpen, setOpen] = useState(openDepth > 0);
  const [shown, setShown] = useState(STEP);
  const isArray = Array.isArray(value);
  const entries = Object.entries(value);
  const [before, after] = isArray ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0)
    return (
      <div className={classes.leaf}>
        <Name name={name} />
        {before + after}
      </div>
    );
  return (
    <div>
      <button type="button" className={classes.toggle} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Icon name={isOpen ? "chevron-down" : "chevron-right"} size={12} />
        <span>
          <Name name={name} />
          {before}
          {!isOpen && (
            <span className={classes.count}>
              {entries.length} {isArray ? "items" : "keys"}
              {after}
            </span>
          )}
        </span>
      </button>
      {isOpen && (
        <div className={classes.children}>
          {entries.slice(0, shown).map(([key, each]) => (
            <Node key={key} name={key} value={each} openDepth={openDepth - 1} />
          ))}
          {entries.length > shown && (
            <button type="button" className={classes.more} onClick={() => setShown(shown + STEP)}>
              {entries.length - shown} more
            </button>
          )}
        </div>
      )}
      {isOpen && <div className={classes.end}>{after}</div>}
    </div>
  );
}

function Leaf({ value }: { value: unknown }): ReactNode {
  switch (typeof value) {
    case "string":
      return <Text value={value} />;
    case "number":
    case "bigint":
      return <span className={classes.number}>{String(value)}</span>;
    default:
      return <span className={classes.word}>{String(value)}</span>;
  }
}

function Text({ value }: { value: string }) {
  const [isWhole, setWhole] = useState(value.length <= LONG_TEXT);
  return (
    <span className={classes.string}>
      {JSON.stringify(isWhole ? value : value.slice(0, LONG_TEXT))}
      {!isWhole && (
        <button type="button" className={classes.more} onClick={() => setWhole(true)}>
          {value.length - LONG_TEXT} more characters
        </button>
      )}
    </span>
  );
}

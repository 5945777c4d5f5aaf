import classes from "./code-block.module.css";
import { CopyButton } from "./copy-button.tsx";

interface CodeBlockProps {
  code: string;
  /** What it is, for screen readers: "Stack trace". */
  label: string;
  /** Pixels; longer code scrolls. Default 420. */
  maxHeight?: number;
  /** Breaks long lines instead of scrolling sideways. */
  isWrapped?: boolean;
}

/** Text as it is, with a button that copies it. */
export function CodeBlock({ code, label, maxHeight = 420, isWrapped = false }: CodeBlockProps) {
  return (
    <div className={classes.box}>
      <div className={classes.copy}>
        <CopyButton text={code} label={`Copy: ${label}`} />
      </div>
      <pre className={isWrapped ? classes.wrapped : classes.pre} style={{ maxHeight }} tabIndex={0} aria-label={label}>
        {code}
      </pre>
    </div>
  );
}

/** Shell commands to copy, one a line, each after a prompt sign that is not copied. */
export function CommandLine({ command }: { command: string }) {
  return (
    <div className={classes.command}>
      <code>
        {command.split("\n").map((line) => (
          <span key={line} className={classes.line}>
            {line}
          </span>
        ))}
      </code>
      <CopyButton text={command} label="Copy the command" />
    </div>
  );
}

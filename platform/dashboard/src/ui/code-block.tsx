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

interface CommandLineProps {
  /** One command a line. */
  command: string;
  /** It is code for a file: without a prompt sign. */
  isCode?: boolean;
}

/** Shell commands to copy, each after a prompt sign that is not copied. */
export function CommandLine({ command, isCode = false }: CommandLineProps) {
  const label = isCode ? "Code" : "Command";
  return (
    <div className={classes.command}>
      <section className={classes.commandText} tabIndex={0} aria-label={label}>
        <code>
          {command.split("\n").map((line) => (
            <span key={line} className={isCode ? classes.line : classes.prompted}>
              {line}
            </span>
          ))}
        </code>
      </section>
      <CopyButton text={command} label={`Copy the ${label.toLowerCase()}`} />
    </div>
  );
}

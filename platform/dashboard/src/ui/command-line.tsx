import classes from "./command-line.module.css";
import { CopyButton } from "./copy-button.tsx";

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

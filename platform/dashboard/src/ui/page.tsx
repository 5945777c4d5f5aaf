import { type ReactNode, useEffect } from "react";
import { cx } from "./class-names.ts";
import classes from "./page.module.css";

interface PageProps {
  /** Also the document's title. */
  title: string;
  /** Instead of the title as heading, for an id with a badge beside it. */
  heading?: ReactNode;
  /** Links that lead here: `<Link to=…>Runs</Link>`. */
  breadcrumbs?: ReactNode[];
  /** One line below the heading. */
  description?: ReactNode;
  actions?: ReactNode;
  /** The page does not scroll; its content fills the window and scrolls inside: lists that are virtual. */
  isFull?: boolean;
  children: ReactNode;
}

/** What every page is in: heading, way back, actions, content. */
export function Page({ title, heading, breadcrumbs = [], description, actions, isFull = false, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Gantry`;
  }, [title]);
  return (
    <div className={cx(classes.page, isFull && classes.full)}>
      <header className={classes.header}>
        <div className={classes.titles}>
          {breadcrumbs.length > 0 && (
            <nav aria-label="Breadcrumbs">
              <ol className={classes.breadcrumbs}>
                {breadcrumbs.map((each, index) => (
                  <li key={index}>{each}</li>
                ))}
              </ol>
            </nav>
          )}
          <h1>{heading ?? title}</h1>
        </div>
        {actions !== undefined && <div className={classes.actions}>{actions}</div>}
        {description !== undefined && <p className={classes.description}>{description}</p>}
      </header>
      <div className={classes.content}>{children}</div>
    </div>
  );
}

/** Things one below the other with the usual distance, or `gap` pixels. */
export function Stack({ gap = 16, children }: { gap?: number; children: ReactNode }) {
  return (
    <div className={classes.stack} style={{ gap }}>
      {children}
    </div>
  );
}

/** Things beside each other, wrapped where they do not fit. */
export function Row({
  gap = 8,
  align = "center",
  children,
}: {
  gap?: number;
  align?: "center" | "start" | "end";
  children: ReactNode;
}) {
  return (
    <div className={classes.row} style={{ gap, alignItems: align }}>
      {children}
    </div>
  );
}

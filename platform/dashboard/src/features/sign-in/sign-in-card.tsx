import { type FormEvent, type ReactNode, useEffect } from "react";
import { Logo } from "../../layout/logo.tsx";
import classes from "./sign-in.module.css";

interface SignInCardProps {
  title: string;
  lead?: ReactNode;
  /** Makes it a form. */
  onSubmit?: () => void;
  children: ReactNode;
}

/** The one box of a page on which nobody is signed in. */
export function SignInCard({ title, lead, onSubmit, children }: SignInCardProps) {
  useEffect(() => {
    document.title = `${title} · Gantry`;
  }, [title]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit?.();
  };
  return (
    <main className={classes.page}>
      <div className={classes.card}>
        <div className={classes.brand}>
          <Logo />
        </div>
        <h1>{title}</h1>
        {lead !== undefined && <p className={classes.lead}>{lead}</p>}
        <form onSubmit={submit} className={classes.form}>
          {children}
        </form>
      </div>
    </main>
  );
}

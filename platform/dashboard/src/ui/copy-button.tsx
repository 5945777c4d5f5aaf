import { useEffect, useState } from "react";
import { Button, IconButton } from "./button.tsx";
import { toast } from "./toast.tsx";

interface CopyButtonProps {
  text: string;
  /** What is copied: "Copy the run's id". */
  label?: string;
  /** With words beside the icon. */
  isWide?: boolean;
}

/** Puts text on the clipboard, and says so for a moment. */
export function CopyButton({ text, label = "Copy", isWide = false }: CopyButtonProps) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1_600);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = () => {
    copyText(text).then(
      () => setCopied(true),
      (error: unknown) => toast.error("It was not copied", error),
    );
  };
  const icon = isCopied ? "check" : "copy";
  if (isWide)
    return (
      <Button size="sm" icon={icon} onClick={copy}>
        {isCopied ? "Copied" : label}
      </Button>
    );
  return <IconButton size="sm" icon={icon} label={isCopied ? "Copied" : label} onClick={copy} />;
}

/** The clipboard needs HTTPS or localhost; elsewhere the old way through a selection still works. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const isDone = document.execCommand("copy");
  area.remove();
  if (!isDone) throw new Error("the browser does not allow it here");
}

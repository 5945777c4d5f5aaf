/** What a colour means. Each is a triple of custom properties in tokens.css, and never the only sign of what it means. */
export type Tone = "neutral" | "info" | "success" | "danger" | "warning" | "wait";

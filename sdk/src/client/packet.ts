import superjson from "superjson";

/** A value as it travels: text and how to read it. `undefined` has no text. */
export interface EncodedValue {
  data: string | undefined;
  dataType: string;
}

/** Dates, Maps, Sets, BigInts, `undefined`, cycles: all survive. A string travels as it is. */
export function encodeValue(value: unknown): EncodedValue {
  if (value === undefined) return { data: undefined, dataType: "application/json" };
  if (typeof value === "string") return { data: value, dataType: "text/plain" };
  return { data: superjson.stringify(value), dataType: "application/super+json" };
}

/** The value of a text; an unknown type gives the text itself. */
export function decodeValue(data: string | undefined, dataType: string | undefined): unknown {
  if (data === undefined) return undefined;
  switch (dataType) {
    case "application/super+json":
      return superjson.parse(data);
    case "application/json":
      return data === "" ? undefined : JSON.parse(data);
    default:
      return data;
  }
}

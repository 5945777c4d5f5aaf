/** What an entry counts towards the limit `journalBytes`. */
export const ENTRY_BYTES = (row: string) =>
  `(octet_length(${row}.key) + octet_length(${row}.label) + coalesce(octet_length(${row}.value), 0)
     + coalesce(octet_length(${row}.error::text), 0))`;

/**
 * The server's settings: durable as any Postgres, small, and tuned for Gantry's hot tables. Each is given on the command
 * line, so that a cluster made by an earlier release gets today's.
 */
export const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  password_encryption: "scram-sha-256",
  max_connections: "100",
  shared_buffers: "128MB",
  fsync: "on",
  synchronous_commit: "on",
  // Nobody replicates a laptop's database: less log is written.
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "2GB",
  checkpoint_timeout: "15min",
  // Queue tables turn over quickly; vacuum must keep up without throttling itself.
  autovacuum_naptime: "10s",
  autovacuum_vacuum_cost_delay: "0",
  // Short queries only: planning for JIT or parallel workers costs more than it gains.
  jit: "off",
  max_parallel_workers_per_gather: "0",
  random_page_cost: "1.1",
  timezone: "UTC",
  log_timezone: "UTC",
  lc_messages: "C",
  // Statements carry payloads: neither they nor their parameters belong in a log.
  log_min_error_statement: "panic",
  log_parameter_max_length_on_error: "0",
};

/** `-c name=value` for each; later ones win. */
export function settingArguments(overrides: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries({ ...SETTINGS, ...overrides }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

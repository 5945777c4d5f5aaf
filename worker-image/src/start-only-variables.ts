/**
 * Variables that Node, its libraries or the loader read when a process starts: setting them later changes nothing, or half
 * of what they should.
 */
const START_ONLY =
  /^(NODE_OPTIONS|NODE_EXTRA_CA_CERTS|NODE_ICU_DATA|NODE_COMPILE_CACHE|NODE_V8_COVERAGE|NODE_USE_(SYSTEM_CA|ENV_PROXY)|NODE_PENDING_.*|NODE_REPL_.*|UV_.*|LD_.*|GLIBC_.*|MALLOC_.*|SSL_.*|OPENSSL_.*|LANG|LANGUAGE|LC_.*|TZDIR)$/;

/** Whether code that is to see these variables needs a process that was started with them. */
export function needsOwnProcess(variables: Record<string, string>): boolean {
  return Object.keys(variables).some((name) => START_ONLY.test(name));
}

/**
 * The registry of errors: every code a user can meet, its HTTP status, whether trying again may help, and what to do.
 * A code is part of the API: it is pinned by a test and listed in docs/errors.md.
 */
export const ERRORS = {
  BAD_REQUEST: { status: 400, retryable: false, remedy: "Compare the request with /api/openapi.json." },
  BAD_JSON: { status: 400, retryable: false, remedy: "Send a body that is valid JSON in UTF-8." },
  VALIDATION_FAILED: { status: 400, retryable: false, remedy: "Correct the fields that `details` lists." },
  MALFORMED_ID: { status: 400, retryable: false, remedy: "Use an id as the API returned it, e.g. run_…" },
  UNAUTHORIZED: {
    status: 401,
    retryable: false,
    remedy: "Send `Authorization: Bearer <key>` with a key of this environment.",
  },
  BAD_CREDENTIALS: {
    status: 401,
    retryable: false,
    remedy: "Try again, or ask an admin for a link to a new password.",
  },
  NOT_SIGNED_IN: { status: 401, retryable: false, remedy: "Sign in." },
  TOKEN_EXPIRED: { status: 401, retryable: false, remedy: "Make a new token." },
  FORBIDDEN: { status: 403, retryable: false, remedy: "Use a key or token whose scope allows this." },
  CSRF_REFUSED: {
    status: 403,
    retryable: false,
    remedy: "Reload the page; open the dashboard by the address that GANTRY_PLATFORM_PUBLIC_URL names.",
  },
  SETUP_SECRET_WRONG: {
    status: 403,
    retryable: false,
    remedy: "Take it from the platform's log, or run `gantry-platform user setup-link`.",
  },
  PASSWORD_SIGN_IN_OFF: { status: 403, retryable: false, remedy: "Use single sign-on." },
  SIGN_IN_REFUSED: { status: 403, retryable: false, remedy: "Ask an admin of this platform." },
  NOT_FOUND: { status: 404, retryable: false, remedy: "Check the path and the id." },
  RUN_NOT_FOUND: {
    status: 404,
    retryable: false,
    remedy: "Check the id, and that the key is of the run's environment.",
  },
  TASK_NOT_FOUND: {
    status: 404,
    retryable: false,
    remedy: "Check the task's id, and that it is in the deployed version.",
  },
  QUEUE_NOT_FOUND: { status: 404, retryable: false, remedy: "Declare the queue in a deployed version first." },
  TOKEN_NOT_FOUND: {
    status: 404,
    retryable: false,
    remedy:
      "Check the id, and that the key is of the token's environment; call a callback URL exactly as it was given.",
  },
  BATCH_NOT_FOUND: { status: 404, retryable: false, remedy: "Check the batch's id." },
  BULK_ACTION_NOT_FOUND: { status: 404, retryable: false, remedy: "Check the bulk action's id." },
  ERROR_GROUP_NOT_FOUND: {
    status: 404,
    retryable: false,
    remedy: "Check the fingerprint; groups go when the last of their runs does.",
  },
  DEPLOYMENT_NOT_FOUND: { status: 404, retryable: false, remedy: "Check the version." },
  SCHEDULE_NOT_FOUND: { status: 404, retryable: false, remedy: "Check the id; `gantry schedules list` shows them." },
  VARIABLE_NOT_FOUND: { status: 404, retryable: false, remedy: "Check the name; `gantry env list` shows them." },
  PACKET_NOT_FOUND: { status: 404, retryable: false, remedy: "Upload the payload again; packets are kept for a day." },
  USER_NOT_FOUND: { status: 404, retryable: false, remedy: "Check the id; the list of members shows them." },
  INVITATION_INVALID: { status: 404, retryable: false, remedy: "Ask an admin for a new link." },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false, remedy: "Compare the request with /api/openapi.json." },
  SETUP_DONE: { status: 409, retryable: false, remedy: "Sign in, or ask an admin to invite you." },
  USER_EXISTS: { status: 409, retryable: false, remedy: "Change the user who is there." },
  LAST_ADMIN: { status: 409, retryable: false, remedy: "Make somebody else an admin first." },
  CONFLICT: { status: 409, retryable: false, remedy: "Read the object again; it has changed." },
  RUN_ALREADY_FINISHED: { status: 409, retryable: false, remedy: "The run has ended; replay it to run it again." },
  RUN_NOT_DELAYED: { status: 409, retryable: false, remedy: "Only a run that is DELAYED can be rescheduled." },
  SCHEDULE_DECLARED: {
    status: 409,
    retryable: false,
    remedy: "Change `cron` in the code and deploy it; by the API it can be paused and resumed only.",
  },
  VARIABLE_EXISTS: { status: 409, retryable: false, remedy: "Send `override: true` to replace it." },
  BATCH_SEALED: { status: 409, retryable: false, remedy: "Create a new batch." },
  BOOTSTRAP_TOKEN_USED: {
    status: 409,
    retryable: false,
    remedy: "A bootstrap token is one pod's; the platform makes another.",
  },
  PROTOCOL_MISMATCH: {
    status: 409,
    retryable: false,
    remedy: "Deploy again: the image's runner is of another release.",
  },
  IMAGE_GONE: {
    status: 409,
    retryable: false,
    remedy: "The version's image was removed from the registry; deploy its code again.",
  },
  DEPLOY_IN_PROGRESS: {
    status: 409,
    retryable: true,
    remedy: "Another deploy of this environment goes on; wait for it.",
  },
  LAYER_MISSING: { status: 409, retryable: true, remedy: "Upload the layer, then build again." },
  CHECKPOINT_UNAVAILABLE: {
    status: 409,
    retryable: false,
    remedy: "Process checkpoints are switched off here; the chart's values say how to switch them on.",
  },
  CHECKPOINT_SPENT: {
    status: 409,
    retryable: false,
    remedy: "The stored process went on elsewhere, or its run has ended.",
  },
  CHECKPOINT_INCOMPLETE: { status: 409, retryable: false, remedy: "Store the process again, into a new checkpoint." },
  CHECKPOINT_NOT_FOUND: {
    status: 404,
    retryable: false,
    remedy: "It went on elsewhere, its run has ended, or it is not this worker's.",
  },
  LIMIT_EXCEEDED: { status: 413, retryable: false, remedy: "Raise the limit that is named." },
  EXECUTION_FENCED: { status: 409, retryable: false, remedy: "Another worker owns this run, or it has ended." },
  JOURNAL_LIMIT: {
    status: 422,
    retryable: false,
    remedy: "Make fewer or smaller steps, start child runs for parts of the work, or raise the limit that is named.",
  },
  STREAM_DIVERGED: {
    status: 409,
    retryable: false,
    remedy: "Write as another producer: what this one sends is not what it stored before.",
  },
  STREAM_ENDED: { status: 409, retryable: false, remedy: "Write to another stream, or do not end this one." },
  STREAM_LIMIT: {
    status: 422,
    retryable: false,
    remedy: "Stream less, keep the data elsewhere, or raise the limit that is named.",
  },
  PAYLOAD_TOO_LARGE: { status: 413, retryable: false, remedy: "Store the data elsewhere and pass a reference." },
  OUTPUT_TOO_LARGE: { status: 413, retryable: false, remedy: "Store the data elsewhere and return a reference." },
  METADATA_TOO_LARGE: { status: 413, retryable: false, remedy: "Keep metadata small; use streams or your own store." },
  LAYER_TOO_LARGE: {
    status: 413,
    retryable: false,
    remedy: "Deploy less (see `build.external` and `additionalFiles`), or raise GANTRY_PLATFORM_MAX_LAYER_BYTES.",
  },
  BODY_TOO_LARGE: { status: 413, retryable: false, remedy: "Send a smaller body." },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retryable: false, remedy: "Send application/json." },
  PASSWORD_REFUSED: { status: 422, retryable: false, remedy: "Choose another password; a few words make a good one." },
  TOO_MANY_TAGS: { status: 422, retryable: false, remedy: "Use fewer or shorter tags." },
  TOO_MANY_ITEMS: { status: 422, retryable: false, remedy: "Split the batch." },
  UNSUPPORTED_OPTION: { status: 422, retryable: false, remedy: "Leave the option out; Gantry does not have it yet." },
  INVALID_DELAY: { status: 422, retryable: false, remedy: 'Use "1h", "88s", "1h52m18s", "2w", an ISO date or a Date.' },
  LAYER_INVALID: { status: 422, retryable: false, remedy: "Make the layer anew with `gantry deploy`." },
  BASE_IMAGE_NOT_FOUND: {
    status: 422,
    retryable: false,
    remedy: "Check the base image's name, and that the platform may pull it.",
  },
  WRONG_ARCHITECTURE: { status: 422, retryable: false, remedy: "Use an image that is made for the cluster's nodes." },
  BUILD_FAILED: { status: 422, retryable: false, remedy: "Look at the build's log." },
  IMAGE_NOT_FOUND: { status: 422, retryable: false, remedy: "Push the image before the version is registered." },
  NO_IMAGE_BUILDER: {
    status: 422,
    retryable: false,
    remedy: "Set GANTRY_PLATFORM_REGISTRY_PUSH_URL, and a builder that can do what the deploy asks for.",
  },
  TASK_NOT_SCHEDULED: {
    status: 422,
    retryable: false,
    remedy: "Define the task with `schedules.task()`, and deploy it.",
  },
  TOO_MANY_SCHEDULES: { status: 422, retryable: false, remedy: "Delete schedules, or raise the limit `schedules`." },
  TREE_TOO_DEEP: { status: 422, retryable: false, remedy: "A run may not trigger runs so deeply nested." },
  TOO_MANY_CHILDREN: { status: 422, retryable: false, remedy: "Wait for children to end before triggering more." },
  QUEUE_FULL: { status: 429, retryable: true, remedy: "Wait until the queue is shorter, or raise the limit." },
  RATE_LIMITED: { status: 429, retryable: true, remedy: "Slow down; see the Retry-After header." },
  TOO_MANY_SUBSCRIPTIONS: {
    status: 429,
    retryable: false,
    remedy: "Unsubscribe from what is no longer shown, or subscribe to a tag, a batch or the environment instead.",
  },
  INTERNAL: { status: 500, retryable: true, remedy: "Look for the request's id in the platform's log." },
  NOT_IMPLEMENTED: { status: 501, retryable: false, remedy: "Gantry does not serve this path yet." },
  SINGLE_SIGN_ON_FAILED: {
    status: 502,
    retryable: false,
    remedy: "Try again; if it fails again, the platform's log says why under the request's id.",
  },
  REGISTRY_DENIED: {
    status: 502,
    retryable: false,
    remedy: "Give the platform's registry credentials the right that the message names.",
  },
  REGISTRY_UNAVAILABLE: { status: 503, retryable: true, remedy: "The image registry is away or refuses; try again." },
  STORE_UNAVAILABLE: { status: 503, retryable: true, remedy: "The database is away; the request was not carried out." },
  STORAGE_FULL: { status: 503, retryable: true, remedy: "The database's disk is nearly full; make room." },
  CHECKPOINTS_BUSY: { status: 503, retryable: true, remedy: "Send the chunk again in a moment." },
  TOO_MANY_SOCKETS: {
    status: 503,
    retryable: true,
    remedy: "Poll until there is room; add a replica, or raise GANTRY_PLATFORM_REALTIME_MAX_SOCKETS.",
  },
  SHUTTING_DOWN: { status: 503, retryable: true, remedy: "Send the request again." },
} as const satisfies Record<string, { status: number; retryable: boolean; remedy: string }>;
export type ErrorCode = keyof typeof ERRORS;

/** An error a user sees. `message` says what is wrong in this case; the remedy comes from the registry. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly details: Record<string, unknown> | undefined;
  /** Seconds for the Retry-After header. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: Record<string, unknown>; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

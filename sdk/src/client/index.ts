/** The client: everything that talks to a Gantry platform over `fetch`, in any runtime. */
export { ApiClient, type QueueReference } from "./api-client.ts";
export {
  ApiConnectionError,
  ApiError,
  ApiTimeoutError,
  AuthenticationError,
  BadRequestError,
  ConfigurationError,
  ConflictError,
  InternalServerError,
  NotFoundError,
  PayloadTooLargeError,
  PermissionDeniedError,
  RateLimitError,
  UnprocessableEntityError,
} from "./api-error.ts";
export { auth, type CreatePublicTokenOptions, type CreateTriggerTokenOptions } from "./auth.ts";
export type { BulkActionFilterParams, BulkActionOptions, BulkOptions } from "./bulk-action-body.ts";
export { bulkActions } from "./bulk-actions.ts";
export { cluster, environments } from "./cluster.ts";
export { configure } from "./configuration.ts";
export { deployments } from "./deployments.ts";
export {
  type CreateEnvironmentVariableParams,
  type EnvironmentVariable,
  envvars,
  type ImportEnvironmentVariablesParams,
  type UpdateEnvironmentVariableParams,
} from "./envvars.ts";
export { errors } from "./error-groups.ts";
export type { IdempotencyKeyScope } from "./idempotency-key.ts";
export { idempotencyKeys } from "./idempotency-keys.ts";
export type {
  BatchListItem,
  BulkActionItem,
  ClusterCheckpointsItem,
  ClusterItem,
  ClusterWorkerItem,
  EnvironmentItem,
  EnvironmentUsageItem,
  ErrorGroupItem,
  LimitUsage,
  RunCounts,
  StatPointItem,
  StatsItem,
  TaskDetailItem,
  TaskItem,
} from "./insight-replies.ts";
export {
  type BackAndForth,
  type CountRunsParams,
  insightsApi,
  type ListBatchesParams,
  type ListErrorsParams,
  type ListTasksParams,
  type RunStatsParams,
} from "./insights.ts";
export { type ApiKeyItem, type CreatedKeyItem, keysApi } from "./keys.ts";
export type { ListRunsParams, ListTokensParams } from "./list-query.ts";
export {
  type AccessTokenItem,
  type AuditItem,
  accessTokensApi,
  auditApi,
  type InvitedUser,
  type ListAuditParams,
  type NewUserFields,
  type UserItem,
  usersApi,
} from "./members.ts";
export type { Page, PagePromise } from "./page.ts";
export type { TokenPermissions } from "./public-token.ts";
export { queues } from "./queues.ts";
export {
  type AccessToken,
  type ConnectionReason,
  type ConnectionState,
  type LiveOptions,
  type LiveStatus,
  type RealtimeRun,
  RunObserver,
  type RunObserverOptions,
  type RunSetTarget,
  type RunSnapshot,
  type RunSubscription,
  RunsObserver,
  type RunsSnapshot,
  StreamObserver,
  type StreamObserverOptions,
  type StreamPart,
  type StreamReadOptions,
  type StreamReference,
  type StreamSnapshot,
} from "./realtime/index.ts";
export type {
  BuildItem,
  BuildLineItem,
  DeploymentItem,
  DeploymentItemDetail,
  JournalItem,
  QueueItem,
  RelatedRun,
  RetrievedBatchItem,
  RetrievedRun,
  RunCheckpointItem,
  RunError,
  RunEventItem,
  RunExplanation,
  RunListItem,
  TokenItem,
} from "./replies.ts";
export type { ClientConfig, ClientRetryOptions, RequestOptions, TriggerRequestOptions } from "./request-options.ts";
export type {
  AnyRunHandle,
  AnyTask,
  BatchByIdItem,
  BatchByTaskItem,
  BatchItem,
  BatchRunHandle,
  BatchTriggerOptions,
  IdempotencyKey,
  InferOutput,
  InferPayload,
  RunHandle,
  TaskIdentifier,
  TaskOutput,
  TaskPayload,
  TriggerOptions,
} from "./run-handle.ts";
export type {
  FetchStreamOptions,
  RunOrStreamChange,
  SingleRunSubscription,
  SubscribeToRunOptions,
  SubscribeToRunsFilter,
} from "./run-subscriptions.ts";
export { type PollOptions, type ReplayOptions, runs } from "./runs.ts";
export { type ScheduleItem, type SchedulePolicies, scheduleApi, scheduleCalls } from "./schedules.ts";
export type { CreatedToken, CreateTokenOptions, RetrievedTokenItem, TokenReference } from "./tokens.ts";
export { variablesApi } from "./variables.ts";

import { DEFAULT_LIMITS, type Limits } from "@gantry/sdk/contract";
import type { Clock } from "../../clock.ts";
import { AppError } from "../../errors.ts";
import { decodeId, encodeId, newSecret, newUuid } from "../../ids.ts";
import {
  candidateHashes,
  formatApiKey,
  hashAccessToken,
  hashApiKey,
  hintOf,
  isKeySecret,
  newAccessToken,
  parseApiKey,
} from "../../projects/api-key.ts";
import { ExpiringCache } from "../../projects/expiring-cache.ts";
import { concurrencyLimitName, effectiveLimits, refuseBadLimits } from "../../projects/limits-policy.ts";
import type { EnvironmentRef, KeyScope } from "../../projects/principal.ts";
import type { AccessTokenInfo, ApiKeyInfo, NewProject, ProjectService } from "../../projects/project-service.ts";
import type { SecretBox } from "../../secrets/secret-box.ts";
import type { PrismaClient } from "./prisma.ts";

interface Dependencies {
  prisma: PrismaClient;
  secrets: SecretBox;
  clock: Clock;
  /** Told of an environment whose limits or keys were changed here. */
  onChange?: (environmentId: number) => void;
}

/** How long a revoked key may still work on another replica; milliseconds. */
const CREDENTIAL_TTL_MS = 3_000;
const ENVIRONMENT_TTL_MS = 30_000;
const LIMITS_TTL_MS = 5_000;
const MAX_CACHED = 10_000;

type KeyOwner = Awaited<ReturnType<ProjectService["authenticateKey"]>>;
type TokenOwner = Awaited<ReturnType<ProjectService["authenticateAccessToken"]>>;

const WITH_PROJECT = { project: true } as const;
const WITH_USER = { user: { select: { id: true, email: true, role: true, disabledAt: true } } } as const;

interface EnvironmentRow {
  id: number;
  slug: string;
  type: EnvironmentRef["type"];
  project: { id: string; ref: string; name: string };
}

function toRef(row: EnvironmentRow): EnvironmentRef {
  const { project } = row;
  const names = { projectId: project.id, projectRef: project.ref, projectName: project.name };
  return { id: row.id, publicId: `env_${row.id}`, slug: row.slug, type: row.type, ...names };
}

/** What a sealed key is bound to. */
export function apiKeyContext(hash: Uint8Array): string {
  return `api_key ${Buffer.from(hash).toString("hex")}`;
}

/** Projects, environments and keys in Postgres, by Prisma; what every request asks is cached for seconds. */
export class PrismaProjects implements ProjectService {
  readonly #prisma: PrismaClient;
  readonly #secrets: SecretBox;
  readonly #clock: Clock;
  readonly #onChange: (environmentId: number) => void;
  readonly #keys: ExpiringCache<string, KeyOwner>;
  readonly #accessTokens: ExpiringCache<string, TokenOwner>;
  readonly #signingKeys: ExpiringCache<number, string[]>;
  readonly #environments: ExpiringCache<number, EnvironmentRef | undefined>;
  readonly #limits: ExpiringCache<number, Limits>;

  constructor({ prisma, secrets, clock, onChange = () => undefined }: Dependencies) {
    this.#prisma = prisma;
    this.#secrets = secrets;
    this.#clock = clock;
    this.#onChange = onChange;
    const maxEntries = MAX_CACHED;
    this.#keys = new ExpiringCache({ clock, maxEntries, ttlMs: CREDENTIAL_TTL_MS });
    this.#accessTokens = new ExpiringCache({ clock, maxEntries, ttlMs: CREDENTIAL_TTL_MS });
    this.#signingKeys = new ExpiringCache({ clock, maxEntries, ttlMs: CREDENTIAL_TTL_MS });
    this.#environments = new ExpiringCache({ clock, maxEntries, ttlMs: ENVIRONMENT_TTL_MS });
    this.#limits = new ExpiringCache({ clock, maxEntries, ttlMs: LIMITS_TTL_MS });
  }

  async ensureProject({ ref, name, environments }: NewProject): Promise<EnvironmentRef[]> {
    const id = `proj_${newSecret(20).toLowerCase()}`;
    await this.#prisma.project.createMany({ data: [{ id, ref, name }], skipDuplicates: true });
    const project = await this.#prisma.project.findUniqueOrThrow({ where: { ref } });
    await this.#prisma.environment.createMany({
      data: environments.map(({ slug, type }) => ({
        projectId: project.id,
        slug,
        type,
        concurrencyLimit: DEFAULT_LIMITS[concurrencyLimitName(type)],
      })),
      skipDuplicates: true,
    });
    const slugs = environments.map(({ slug }) => slug);
    const rows = await this.#prisma.environment.findMany({
      where: { projectId: project.id, slug: { in: slugs } },
      include: WITH_PROJECT,
    });
    return slugs.flatMap((slug) => rows.filter((row) => row.slug === slug).map(toRef));
  }

  async environment(projectRef: string, slug: string): Promise<EnvironmentRef | undefined> {
    const row = await this.#prisma.environment.findFirst({
      where: { slug, project: { ref: projectRef } },
      include: WITH_PROJECT,
    });
    return row ? toRef(row) : undefined;
  }

  environmentById(id: number): Promise<EnvironmentRef | undefined> {
    return this.#environments.get(id, async () => {
      const row = await this.#prisma.environment.findUnique({ where: { id }, include: WITH_PROJECT });
      return row ? toRef(row) : undefined;
    });
  }

  async environments(): Promise<EnvironmentRef[]> {
    const rows = await this.#prisma.environment.findMany({ include: WITH_PROJECT, orderBy: { id: "asc" } });
    return rows.map(toRef);
  }

  limits(environment: EnvironmentRef): Promise<Limits> {
    return this.#limits.get(environment.id, async () => {
      const { limits, concurrencyLimit } = await this.#prisma.environment.findUniqueOrThrow({
        where: { id: environment.id },
      });
      return effectiveLimits(limits as Partial<Limits>, environment.type, concurrencyLimit);
    });
  }

  async setLimits(environment: EnvironmentRef, limits: Partial<Limits>): Promise<void> {
    refuseBadLimits(limits);
    const { id, type } = environment;
    const concurrency = limits[concurrencyLimitName(type)];
    await this.#prisma.$transaction(async (transaction) => {
      await transaction.$queryRaw`select 1 from environment where id = ${id} for update`;
      const before = await transaction.environment.findUniqueOrThrow({ where: { id } });
      const merged = { ...(before.limits as Partial<Limits>), ...limits };
      const data = concurrency === undefined ? { limits: merged } : { limits: merged, concurrencyLimit: concurrency };
      await transaction.environment.update({ where: { id }, data });
    });
    this.#limits.delete(id);
    this.#onChange(id);
  }

  async createKey(
    environment: EnvironmentRef,
    scope: KeyScope,
    secret = newSecret(24),
  ): Promise<{ key: string; info: ApiKeyInfo }> {
    if (!isKeySecret(secret)) throw new AppError("VALIDATION_FAILED", "A key's secret is 24 letters and digits.");
    const parts = { slug: environment.slug, secret };
    const hash = hashApiKey(parts);
    const id = newUuid(this.#clock.now());
    const secretEncrypted = this.#secrets.seal(formatApiKey(parts), apiKeyContext(hash));
    const data = { id, environmentId: environment.id, hash, secretEncrypted, scope, hint: hintOf(secret) };
    await this.#prisma.apiKey.createMany({ data: [data], skipDuplicates: true });
    const row = await this.#prisma.apiKey.findUniqueOrThrow({ where: { hash } });
    if (row.environmentId !== environment.id)
      throw new AppError("CONFLICT", "Another environment already has a key with this secret.");
    if (row.revokedAt) throw new AppError("CONFLICT", "A key with this secret was revoked; choose another secret.");
    this.#forgetKeys(environment.id);
    return { key: formatApiKey(parts), info: toKeyInfo(row) };
  }

  async listKeys(environment: EnvironmentRef): Promise<ApiKeyInfo[]> {
    const where = { environmentId: environment.id, ...this.#valid() };
    const rows = await this.#prisma.apiKey.findMany({ where, orderBy: { id: "asc" } });
    return rows.map(toKeyInfo);
  }

  async revokeKey(environment: EnvironmentRef, keyId: string, graceMs: number): Promise<void> {
    const id = decodeId("key", keyId);
    if (!id) throw new AppError("MALFORMED_ID", `${JSON.stringify(keyId)} is not a key's id.`);
    const now = this.#clock.now();
    const data = graceMs > 0 ? { expiresAt: new Date(now + graceMs) } : { revokedAt: new Date(now) };
    const { count } = await this.#prisma.apiKey.updateMany({
      where: { id, environmentId: environment.id, ...this.#valid() },
      data,
    });
    if (count === 0) throw new AppError("NOT_FOUND", `There is no key ${keyId} in this environment.`);
    this.#forgetKeys(environment.id);
  }

  async authenticateKey(key: string): Promise<KeyOwner> {
    const parts = parseApiKey(key);
    if (!parts) return undefined;
    const hashes = candidateHashes(parts);
    const owner = await this.#keys.get((hashes[0] as Buffer).toString("base64"), async () => {
      const row = await this.#prisma.apiKey.findFirst({
        where: { hash: { in: hashes }, ...this.#valid() },
        include: { environment: { include: WITH_PROJECT } },
      });
      return row
        ? { environment: toRef(row.environment), keyId: encodeId("key", row.id), scope: row.scope as KeyScope }
        : undefined;
    });
    return owner;
  }

  async createAccessToken(
    name: string,
    scopes: string[],
    expiresAt?: Date,
    owner?: string,
  ): Promise<{ token: string; tokenId: string }> {
    const userId = owner === undefined ? null : userUuid(owner);
    const token = newAccessToken();
    const id = newUuid(this.#clock.now());
    const hash = hashAccessToken(token) as Buffer<ArrayBuffer>;
    const expiry = expiresAt === undefined ? {} : { expiresAt };
    await this.#prisma.accessToken.create({ data: { id, name, hash, scopes, hint: hintOf(token), userId, ...expiry } });
    return { token, tokenId: encodeId("token", id) };
  }

  async listAccessTokens(owner?: string): Promise<AccessTokenInfo[]> {
    const rows = await this.#prisma.accessToken.findMany({
      where: { ...this.#valid(), ...ownedBy(owner) },
      orderBy: { id: "asc" },
      include: WITH_USER,
    });
    return rows.map(({ id, name, scopes, hint, createdAt, expiresAt, user }) => ({
      id: encodeId("token", id),
      name,
      scopes,
      hint,
      createdAt,
      expiresAt: expiresAt ?? undefined,
      ...(user === null ? {} : { owner: { userId: encodeId("user", user.id), email: user.email } }),
    }));
  }

  async revokeAccessToken(tokenId: string, owner?: string): Promise<boolean> {
    const id = decodeId("token", tokenId);
    if (!id) throw new AppError("MALFORMED_ID", `${JSON.stringify(tokenId)} is not an access token's id.`);
    const data = { revokedAt: new Date(this.#clock.now()) };
    const { count } = await this.#prisma.accessToken.updateMany({
      where: { id, ...this.#valid(), ...ownedBy(owner) },
      data,
    });
    this.#accessTokens.clear();
    return count === 1;
  }

  async authenticateAccessToken(token: string): Promise<TokenOwner> {
    const hash = hashAccessToken(token);
    if (!hash) return undefined;
    return this.#accessTokens.get(hash.toString("base64"), async () => {
      const row = await this.#prisma.accessToken.findFirst({ where: { hash, ...this.#valid() }, include: WITH_USER });
      if (!row || row.user?.disabledAt) return undefined;
      const token = { tokenId: encodeId("token", row.id), scopes: row.scopes };
      if (row.user === null) return token;
      const { id, email, role } = row.user;
      return { ...token, owner: { userId: encodeId("user", id), email, role } };
    });
  }

  forgetAccessTokens(): void {
    this.#accessTokens.clear();
  }

  async spendToken(tokenId: string, expiresAt: number): Promise<boolean> {
    const data = [{ id: tokenId, expiresAt: new Date(expiresAt) }];
    const { count } = await this.#prisma.spentToken.createMany({ data, skipDuplicates: true });
    return count === 1;
  }

  signingKeys(environmentId: number): Promise<string[]> {
    return this.#signingKeys.get(environmentId, async () => {
      const rows = await this.#prisma.apiKey.findMany({ where: { environmentId, scope: "full", ...this.#valid() } });
      return rows.map((row) => this.#secrets.open(row.secretEncrypted, apiKeyContext(row.hash)));
    });
  }

  forget(environmentId: number): void {
    this.#keys.clear();
    this.#signingKeys.delete(environmentId);
    this.#limits.delete(environmentId);
  }

  async pause(environment: EnvironmentRef, paused: boolean): Promise<void> {
    const pausedAt = paused ? new Date(this.#clock.now()) : null;
    await this.#prisma.environment.update({ where: { id: environment.id }, data: { pausedAt } });
  }

  /** Keys and tokens that were neither revoked nor have expired. */
  #valid() {
    return { revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: new Date(this.#clock.now()) } }] };
  }

  /** A key may have been asked for before it existed: all answers go, they are cheap. */
  #forgetKeys(environmentId: number): void {
    this.#keys.clear();
    this.#signingKeys.delete(environmentId);
    this.#onChange(environmentId);
  }
}

function ownedBy(owner: string | undefined) {
  return owner === undefined ? {} : { userId: userUuid(owner) };
}

function userUuid(id: string): string {
  const uuid = decodeId("user", id);
  if (uuid === undefined) throw new AppError("MALFORMED_ID", `${JSON.stringify(id)} is not a user's id.`);
  return uuid;
}

interface KeyRow {
  id: string;
  scope: string;
  hint: string;
  createdAt: Date;
  expiresAt: Date | null;
}

function toKeyInfo(row: KeyRow): ApiKeyInfo {
  const { scope, hint, createdAt, expiresAt } = row;
  return { id: encodeId("key", row.id), scope: scope as KeyScope, hint, createdAt, expiresAt: expiresAt ?? undefined };
}

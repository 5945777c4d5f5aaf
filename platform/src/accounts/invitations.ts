/** Links by which somebody chooses a password, kept by hash: one for each user, a new one replaces the one before. */
export interface InvitationStore {
  put(userId: string, tokenHash: Buffer, expiresAt: Date): Promise<void>;
  /** The user's id; undefined where it is unknown or has expired. */
  find(tokenHash: Buffer): Promise<{ userId: string; expiresAt: Date } | undefined>;
  /** The same, and it works no more: of two callers one gets it. */
  take(tokenHash: Buffer): Promise<{ userId: string } | undefined>;
}

/** Makes and checks the form in which passwords are kept. Slow on purpose, and never on the thread that serves requests. */
export interface PasswordHasher {
  /** Errors: RATE_LIMITED where too many wait already. */
  hash(password: string): Promise<string>;
  /** Takes as long whatever the answer is. Errors: RATE_LIMITED. */
  verify(password: string, hash: string): Promise<boolean>;
}

/** A stand-in for your product's database: people whose address begins with "busy" have made projects. */
export async function projectsOf(email: string): Promise<number> {
  return email.startsWith("busy") ? 3 : 0;
}

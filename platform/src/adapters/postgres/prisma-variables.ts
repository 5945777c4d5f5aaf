import { AppError } from "../../errors.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { refuseBadVariable, refuseTooMuch } from "../../projects/variables-policy.ts";
import type { NewVariable, Variable, VariablesService } from "../../projects/variables-service.ts";
import type { SecretBox } from "../../secrets/secret-box.ts";
import type { PrismaClient } from "./prisma.ts";

interface Row {
  environmentId: number;
  name: string;
  valueEncrypted: Uint8Array;
  isSecret: boolean;
  updatedAt: Date;
}

/** What a sealed value is bound to: it opens in no other environment and under no other name. */
export function variableContext(environmentId: number, name: string): string {
  return `environment/${environmentId}/${name}`;
}

/** Variables in Postgres, each value sealed. Read whole and never cached: there are 512 KB at most. */
export class PrismaVariables implements VariablesService {
  readonly #prisma: PrismaClient;
  readonly #secrets: SecretBox;

  constructor({ prisma, secrets }: { prisma: PrismaClient; secrets: SecretBox }) {
    this.#prisma = prisma;
    this.#secrets = secrets;
  }

  async list(environment: EnvironmentRef): Promise<Variable[]> {
    const where = { environmentId: environment.id };
    const rows = await this.#prisma.environmentVariable.findMany({ where, orderBy: { name: "asc" } });
    return rows.map((row) => this.#open(row));
  }

  async retrieve(environment: EnvironmentRef, name: string): Promise<Variable | undefined> {
    const environmentId_name = { environmentId: environment.id, name };
    const row = await this.#prisma.environmentVariable.findUnique({ where: { environmentId_name } });
    return row === null ? undefined : this.#open(row);
  }

  async upload(environment: EnvironmentRef, variables: NewVariable[], override: boolean): Promise<void> {
    for (const variable of variables) refuseBadVariable(variable);
    const environmentId = environment.id;
    await this.#prisma.$transaction(async (transaction) => {
      // Two uploads at once would each stay below the limit, and together above it.
      await transaction.$queryRaw`select 1 from environment where id = ${environmentId} for no key update`;
      const rows = await transaction.environmentVariable.findMany({ where: { environmentId } });
      const all = new Map(rows.map((row) => [row.name, this.#open(row)]));
      const there = variables.filter(({ name }) => all.has(name)).map(({ name }) => name);
      if (!override && there.length > 0) throw exists(there);
      const updatedAt = new Date();
      const changed = new Map<string, Variable>();
      for (const { name, value, isSecret = all.get(name)?.isSecret ?? false } of variables)
        changed.set(name, { name, value, isSecret, updatedAt });
      refuseTooMuch(new Map([...all, ...changed]).values());
      const names = [...changed.keys()];
      const createdAt = new Map(rows.map((row) => [row.name, row.createdAt]));
      await transaction.environmentVariable.deleteMany({ where: { environmentId, name: { in: names } } });
      await transaction.environmentVariable.createMany({
        data: [...changed.values()].map(({ value, ...variable }) => ({
          environmentId,
          ...variable,
          createdAt: createdAt.get(variable.name) ?? updatedAt,
          valueEncrypted: this.#secrets.seal(value, variableContext(environmentId, variable.name)),
        })),
      });
    });
  }

  async remove(environment: EnvironmentRef, name: string): Promise<boolean> {
    const where = { environmentId: environment.id, name };
    return (await this.#prisma.environmentVariable.deleteMany({ where })).count === 1;
  }

  async resolve(environmentId: number): Promise<Record<string, string>> {
    const rows = await this.#prisma.environmentVariable.findMany({ where: { environmentId } });
    return Object.fromEntries(rows.map((row) => [row.name, this.#open(row).value]));
  }

  #open(row: Row): Variable {
    const { environmentId, name, isSecret, updatedAt } = row;
    const value = this.#secrets.open(row.valueEncrypted, variableContext(environmentId, name));
    return { name, value, isSecret, updatedAt };
  }
}

function exists(names: string[]): AppError {
  return new AppError("VARIABLE_EXISTS", `The environment has ${names.slice(0, 20).join(", ")} already.`, {
    details: { names },
  });
}

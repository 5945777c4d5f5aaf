import { AppError } from "../../src/errors.ts";
import type { Variable, VariablesService } from "../../src/projects/variables-service.ts";

/** Variables in memory, for tests of the edge. */
export function fakeVariables(): VariablesService {
  const byEnvironment = new Map<number, Map<string, Variable>>();
  const of = (id: number) => byEnvironment.get(id) ?? byEnvironment.set(id, new Map()).get(id) ?? new Map();
  return {
    list: async ({ id }) => [...of(id).values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    retrieve: async ({ id }, name) => of(id).get(name),
    async upload({ id }, variables, override) {
      const there = variables.map(({ name }) => name).filter((name) => of(id).has(name));
      if (!override && there.length > 0) throw new AppError("VARIABLE_EXISTS", `There is ${there.join(", ")}.`);
      for (const { name, value, isSecret } of variables)
        of(id).set(name, {
          name,
          value,
          isSecret: isSecret ?? of(id).get(name)?.isSecret ?? false,
          updatedAt: new Date(0),
        });
    },
    remove: async ({ id }, name) => of(id).delete(name),
    resolve: async (id) => Object.fromEntries([...of(id).values()].map(({ name, value }) => [name, value])),
  };
}

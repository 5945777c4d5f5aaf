import type { Pool } from "pg";

export interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  "Shared Hit Blocks": number;
  "Shared Read Blocks": number;
  Plans?: PlanNode[];
}

export interface PlanFacts {
  /** Tables that were read from end to end, but for those of a few pages: Postgres rightly does. */
  scanned: string[];
  /** Most rows that anything sorted. */
  sorted: number;
  /** Pages of 8 KB. */
  buffers: number;
  nodes: string[];
  text: string;
}

interface Asked {
  text: string;
  values?: unknown[];
}

/** A pool that notes the statements it is asked, to be explained afterwards. */
export function notingPool(pool: Pool): { pool: Pool; asked: Asked[] } {
  const asked: Asked[] = [];
  const noting = new Proxy(pool, {
    get(target, name) {
      if (name !== "query") return Reflect.get(target, name, target);
      return (query: Asked) => {
        asked.push({ text: query.text, values: query.values ?? [] });
        return target.query({ ...query });
      };
    },
  });
  return { pool: noting, asked };
}

const FEW_ROWS = 3_000;
const read = (node: PlanNode) => (node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0)) * node["Actual Loops"];
const nameOf = (node: PlanNode) => node["Relation Name"] ?? "";

export async function explain(pool: Pool, { text, values = [] }: Asked): Promise<PlanFacts> {
  const { rows } = await pool.query(`explain (analyze, buffers, format json) ${text}`, values as unknown[]);
  const plan = rows[0]["QUERY PLAN"][0].Plan as PlanNode;
  const all = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(all)];
  const ran = all(plan).filter((node) => node["Actual Loops"] > 0);
  return {
    scanned: ran.filter((node) => node["Node Type"] === "Seq Scan" && read(node) > FEW_ROWS).map(nameOf),
    sorted: Math.max(
      0,
      ...ran
        .filter(({ "Node Type": type }) => /Sort/.test(type))
        .flatMap((node) => (node.Plans ?? []).map((child) => child["Actual Rows"])),
    ),
    buffers: plan["Shared Hit Blocks"] + plan["Shared Read Blocks"],
    nodes: ran.map((node) => node["Node Type"]),
    text: JSON.stringify(plan, undefined, 1),
  };
}

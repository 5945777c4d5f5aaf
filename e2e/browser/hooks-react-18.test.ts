import { describe } from "vitest";
import { hooksSuite } from "./support/hooks-suite.ts";

describe("the hooks on React 18", () => hooksSuite(18));

import { describe } from "vitest";
import { hooksSuite } from "./support/hooks-suite.ts";

describe("the hooks on React 19", () => hooksSuite(19));

import { describeFuzz } from "./support/api-fuzz.ts";
import { startRealPlatform } from "./support/real-platform.ts";

const platform = await startRealPlatform();

describeFuzz(async () => platform, 30);

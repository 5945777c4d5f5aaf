import { describeTriggerSdk } from "./support/api-contract.ts";
import { startRealPlatform } from "./support/real-platform.ts";

const platform = await startRealPlatform();

describeTriggerSdk(async () => platform);

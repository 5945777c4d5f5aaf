export { didYouMean } from "@gantry/sdk/contract";

export { default } from "../../../strings/en.json";

export { default } from "../../../strings/zh.json";

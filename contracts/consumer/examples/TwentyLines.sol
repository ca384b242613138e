// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;
import {Accept, IInferenceRegistry, InferenceConsumer, Opening, Policies} from "../InferenceConsumer.sol";

contract TwentyLines is InferenceConsumer {
    bytes32 public immutable model;
    mapping(bytes32 inputHash => uint256) public answer;

    constructor(IInferenceRegistry registry, bytes32 model_) InferenceConsumer(registry) {
        model = model_;
    }
    function ask(bytes32 inputHash) external returns (bytes32 requestId) {
        return _openRequest(inputHash);
    }
    function act(bytes32 requestId, Opening calldata opening, uint256[] calldata outputs) external {
        _consumeVerified(opening, Policies.accept(Accept.ZKML, model, 1 hours).onRequest(requestId));
        _requireCircuitOutputs(opening.receipt, outputs);
        answer[opening.receipt.inputHash] = outputs[0];
    }
}

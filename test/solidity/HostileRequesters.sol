// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {InferenceAnswer} from "../../contracts/interfaces/IInferenceCallback.sol";
import {IInferenceRequests, RequestTerms} from "../../contracts/interfaces/IInferenceRequests.sol";
import {Opening} from "../../contracts/interfaces/InferenceTypes.sol";

/// @notice A requester that can do anything in its callback: take the answer, revert, revert with a mountain of bytes, burn
/// all its gas, or call somebody.
contract ScriptedRequester {
    enum Act {
        Take,
        Revert,
        RevertLong,
        Burn,
        Call
    }

    IInferenceRequests private immutable requests;
    Act public act;
    address private _target;
    bytes private _data;

    bytes32 public last;
    uint256 public answers;
    uint256 public gasSeen;
    bytes public output;
    bytes public result;

    constructor(IInferenceRequests requests_) {
        requests = requests_;
        requests_.token().approve(address(requests_), type(uint256).max);
    }

    function behave(Act act_) external {
        act = act_;
    }

    function callInCallback(address target, bytes calldata data) external {
        (act, _target, _data) = (Act.Call, target, data);
    }

    function ask(RequestTerms calldata terms, bytes calldata pointer) external returns (bytes32) {
        return requests.request(terms, pointer);
    }

    function askWithInput(RequestTerms calldata terms, bytes32 salt, bytes calldata input) external returns (bytes32) {
        return requests.requestWithInput(terms, salt, input);
    }

    function cancel(bytes32 requestId) external {
        requests.cancel(requestId);
    }

    function retry(bytes32 requestId, Opening calldata opening, bytes calldata output_) external {
        requests.retryCallback(requestId, opening, output_);
    }

    function onInference(bytes32 requestId, InferenceAnswer calldata answer) external {
        gasSeen = gasleft();
        require(act != Act.Revert, "not today");
        if (act == Act.RevertLong) {
            assembly ("memory-safe") {
                revert(0, 1000000)
            }
        }
        if (act == Act.Burn) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        if (act == Act.Call) {
            (bool ok, bytes memory data) = _target.call(_data);
            result = ok ? bytes("succeeded") : data;
        }
        last = requestId;
        output = answer.output;
        ++answers;
    }
}

/// @notice A token that some accounts cannot receive, that calls back in transfers, or that keeps a part.
contract PickyToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    mapping(address => bool) public refused;
    bool public takesFee;
    address private _target;
    bytes private _call;
    bytes public answer;

    constructor(uint256 supply) {
        balanceOf[msg.sender] = supply;
    }

    function refuse(address account, bool refuses) external {
        refused[account] = refuses;
    }

    function takeFee(bool takes) external {
        takesFee = takes;
    }

    /// @notice Calls this once in the middle of the next transfer.
    function callBack(address target, bytes calldata data) external {
        (_target, _call) = (target, data);
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        return _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        allowance[from][msg.sender] -= amount;
        return _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private returns (bool) {
        require(!refused[to], "refused");
        balanceOf[from] -= amount;
        balanceOf[to] += takesFee ? amount - 1 : amount;
        address target = _target;
        if (target == address(0)) return true;
        _target = address(0);
        (bool ok, bytes memory data) = target.call(_call);
        answer = ok ? bytes("succeeded") : data;
        return true;
    }
}

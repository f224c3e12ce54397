// SPDX-License-Identifier: GPL-2.0-or-later
// "Undo unless we got to the end":  ScopeGuard undo([&] { unlink(name); });  ...  undo.disarm();
#pragma once

#include <utility>

namespace lifeboat {

template <class Action>
class ScopeGuard {
public:
    explicit ScopeGuard(Action action)
        : action_(std::move(action)) {}
    ScopeGuard(const ScopeGuard&) = delete;
    ScopeGuard& operator=(const ScopeGuard&) = delete;
    ~ScopeGuard() {
        if (armed_)
            action_();
    }
    void disarm() { armed_ = false; }

private:
    Action action_;
    bool armed_ = true;
};

} // namespace lifeboat

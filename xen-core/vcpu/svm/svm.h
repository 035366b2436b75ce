/* AMD's backend behind the vendor seam; only boot's choice of a backend includes this. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_VCPU_SVM_SVM_H
#define XEN_CORE_VCPU_SVM_SVM_H

#include "vcpu/ops.h"

extern const struct vcpu_ops svm_ops;

#endif

from django.urls import path

from annotations import api, me, ops, owners_api, plans_api

urlpatterns = [
    path("leases", api.LeasesView.as_view(), name="leases"),
    path("leases/<int:pk>", api.LeaseView.as_view(), name="lease"),
    path("leases/<int:pk>/renew", api.RenewalView.as_view(), name="renewal"),
    path("leases/<int:pk>/skip", api.SkipView.as_view(), name="skip"),
    path("leases/<int:pk>/flag", api.FlagView.as_view(), name="flag"),
    path("leases/<int:pk>/annotation", api.AnnotationView.as_view(), name="annotation"),
    path("me/opt-outs", me.OptOutsView.as_view(), name="my-opt-outs"),
    path("exports", api.ExportsView.as_view(), name="exports"),
    path("exports/<int:pk>", api.ExportView.as_view(), name="export"),
    path("exports/<int:pk>/download", api.ExportDownloadView.as_view(), name="export-download"),
    path("consents", owners_api.ConsentsView.as_view(), name="consents"),
    path("consents/<int:pk>/withdraw", owners_api.WithdrawalView.as_view(), name="withdrawal"),
    path("owners/<slug:key>", owners_api.OwnerView.as_view(), name="owner"),
    path("ops/leases/<int:pk>/recall", ops.RecallView.as_view(), name="ops-recall"),
    path("ops/tasks/<int:pk>/requeue", ops.RequeueView.as_view(), name="ops-requeue"),
    path("ops/projects/<int:pk>/pause", ops.ProjectPauseView.as_view(), name="ops-project-pause"),
    path("ops/projects/<int:pk>/resume", ops.ProjectResumeView.as_view(), name="ops-project-resume"),
    path("ops/plans", plans_api.PlansView.as_view(), name="ops-plans"),
    path("ops/plans/preview", plans_api.PreviewView.as_view(), name="ops-plan-preview"),
    path("ops/plans/<int:pk>", plans_api.PlanView.as_view(), name="ops-plan"),
    path("ops/plans/<int:pk>/undo", plans_api.UndoView.as_view(), name="ops-plan-undo"),
    path("ops/cases", ops.CasesView.as_view(), name="ops-cases"),
    path("ops/cases/<int:pk>/decision", ops.DecisionView.as_view(), name="ops-decision"),
]

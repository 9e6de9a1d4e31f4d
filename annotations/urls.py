from django.urls import path

from annotations import api, me, ops, owners_api, time_api

urlpatterns = [
    path("leases", api.LeasesView.as_view(), name="leases"),
    path("leases/<int:pk>", api.LeaseView.as_view(), name="lease"),
    path("leases/<int:pk>/renew", api.RenewalView.as_view(), name="renewal"),
    path("leases/<int:pk>/heartbeat", time_api.HeartbeatView.as_view(), name="heartbeat"),
    path("leases/<int:pk>/skip", api.SkipView.as_view(), name="skip"),
    path("leases/<int:pk>/flag", api.FlagView.as_view(), name="flag"),
    path("leases/<int:pk>/annotation", api.AnnotationView.as_view(), name="annotation"),
    path("me/opt-outs", me.OptOutsView.as_view(), name="my-opt-outs"),
    path("me/time", time_api.MyTimeView.as_view(), name="my-time"),
    path("me/time/<day:day>", time_api.MyDayTimeView.as_view(), name="my-day-time"),
    path("me/time/<day:day>/contest", time_api.ContestView.as_view(), name="time-contest"),
    path("ops/timesheets", time_api.TimesheetsView.as_view(), name="ops-timesheets"),
    path("ops/time-contests/<int:pk>/answer", time_api.AnswerView.as_view(), name="ops-time-contest-answer"),
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
    path("ops/cases", ops.CasesView.as_view(), name="ops-cases"),
    path("ops/cases/<int:pk>/decision", ops.DecisionView.as_view(), name="ops-decision"),
]
